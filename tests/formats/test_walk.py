"""Which files a folder holds, and what is said of a link to nothing."""

from pathlib import Path

import pytest

from medddim import formats
from medddim.formats.walk import files_at

SUFFIXES = [".nii", ".nii.gz", ".dcm", ".mha", ".mhd", ".nrrd", ".nhdr", ".mgz"]


@pytest.mark.parametrize("link", ["latest", "zuletzt", "sub-01/anat/again"])
@pytest.mark.parametrize("target", ["sub-01", "sub-01/anat"])
def test_a_folder_has_its_own_name_where_links_lead_to_it_too(
    tmp_path: Path, link: str, target: str
) -> None:
    anat = tmp_path / "sub-01" / "anat"
    anat.mkdir(parents=True)
    (anat / "T1w.nii.gz").touch()
    (tmp_path / link).symlink_to(tmp_path / target)
    assert list(files_at(tmp_path)) == [anat / "T1w.nii.gz"]


def test_what_links_alone_lead_to_has_the_name_of_the_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "below").mkdir(parents=True)
    (tmp_path / "elsewhere" / "below" / "T1w.nii.gz").touch()
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "one").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "study" / "two").symlink_to(tmp_path / "elsewhere" / "below")
    (tmp_path / "root").symlink_to(tmp_path / "study")
    found = {path.relative_to(tmp_path).as_posix() for path in files_at(tmp_path / "root")}
    assert found == {"root/one/below/T1w.nii.gz"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_link_to_a_file_that_was_never_fetched_says_so(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"head{suffix}").symlink_to(tmp_path / "annex" / "head")
    (found,) = formats.find(tmp_path)
    assert "link to a file that is not here" in found.refusal
