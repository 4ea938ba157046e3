"""`medddim enhance` as a nipype interface, for nodes of a nipype workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nipype.interfaces.base import (
    CommandLine,
    CommandLineInputSpec,
    Directory,
    File,
    InputMultiObject,
    OutputMultiObject,
    TraitedSpec,
    traits,
)

from medddim.record import MANIFEST, Outcome, last_lines

__all__ = ["Enhance"]

SCAN = traits.Either(File(exists=True), Directory(exists=True))
NUMBERS = traits.Either(traits.Float, traits.Tuple(traits.Float, traits.Float, traits.Float))
FACTOR = traits.Either(traits.Int, traits.Tuple(traits.Int, traits.Int, traits.Int))


class EnhanceInputSpec(CommandLineInputSpec):  # type: ignore[misc]  # nipype ships no types
    """The options of `medddim enhance` that a workflow may set, under their own names."""

    scans = InputMultiObject(
        SCAN, argstr="%s", position=-1, mandatory=True,
        desc="DICOM folders, NIfTI files, or folders of both",
    )  # fmt: skip
    output = Directory("enhanced", argstr="--output %s", usedefault=True, hash_files=False,
                       desc="folder for the results, below the folder of the node")  # fmt: skip
    model = traits.Str(argstr="--model %s", desc="a shipped model, a checkpoint folder, or auto")
    quality = traits.Enum("best", "fast", argstr="--quality %s", desc="fast: a small network")
    steps = traits.Range(1, 1000, argstr="--steps %d", desc="DDIM steps")
    fidelity = traits.Range(0.0, 1.0, argstr="--fidelity %g", desc="back to the 1-step answer")
    samples = traits.Int(argstr="--samples %d", desc="draw so many answers")
    factor = traits.Either(FACTOR, argstr="--factor %s", desc="super-resolution: times finer")
    spacing = traits.Either(NUMBERS, argstr="--spacing %s", desc="super-resolution: to so many mm")
    noise = traits.Range(0.0, 1.0, argstr="--noise %g", desc="share of the scan's bright end")
    sampler = traits.Str(argstr="--sampler %s", desc="ddim, second-order or ancestral")
    seed = traits.Int(argstr="--seed %d", desc="same seed, same answer")
    interval = traits.Float(argstr="--interval %g", desc="maps of an interval, in per cent")
    residual = traits.Bool(argstr="--residual", desc="a map of what was changed")
    receipt = traits.Bool(argstr="--receipt", desc="how much contrast is kept")
    invented = traits.Bool(argstr="--invented", desc="a map of what the scan does not hold")
    force = traits.Bool(argstr="--force", desc="scans out of range of the model, too")
    again = traits.Bool(argstr="--again", desc="scans that medddim made, too")
    select = traits.Str(argstr="--select '%s'", desc="only series whose header fits this rule")
    exclude = traits.Str(argstr="--exclude '%s'", desc="all but those series")
    on_gap = traits.Enum("refuse", "split", "interpolate", argstr="--on-gap %s",
                         desc="slices missing or unevenly spaced")  # fmt: skip
    on_tilt = traits.Enum("refuse", "resample", argstr="--on-tilt %s", desc="a stack that leans")
    stack_by = traits.Str(argstr="--stack-by '%s'", desc="what tells images at one place apart")
    device = traits.Enum("auto", "cpu", "cuda", "mps", argstr="--device %s", nohash=True,
                         desc="where it is computed")  # fmt: skip
    precision = traits.Enum("auto", "bf16", "fp32", argstr="--precision %s", desc="of the network")
    num_threads = traits.Int(1, argstr="--threads %d", usedefault=True, nohash=True,
                             desc="processor threads, which the scheduler counts")  # fmt: skip
    memory = traits.Str(argstr="--memory '%s'", nohash=True, desc="the most it may take: 2GB")
    exit_zero = traits.Bool(argstr="--exit-zero", desc="go on where some scans are refused")


class EnhanceOutputSpec(TraitedSpec):  # type: ignore[misc]  # nipype ships no types
    """What a node hands on."""

    out_files = OutputMultiObject(SCAN, desc="the results: files, or folders of DICOM series")
    out_maps = OutputMultiObject(File(exists=True), desc="maps beside them")
    out_dir = Directory(exists=True, desc="the folder of the results")
    record = File(exists=True, desc="the manifest: versions, weights, settings, sha256")


class Enhance(CommandLine):  # type: ignore[misc]  # nipype ships no types
    """Denoise or super-resolve scans: `medddim enhance` in a process of its own.

    A node fails where a scan is refused, unless `exit_zero` is set; then `out_files` has those that
    were enhanced.

    >>> from medddim.integrations.nipype import Enhance
    >>> Enhance(scans=["data_samples/phantom_mr.nii.gz"], steps=8).cmdline
    'medddim enhance --threads 1 --output enhanced --steps 8 data_samples/phantom_mr.nii.gz'
    """

    _cmd = "medddim enhance"
    input_spec = EnhanceInputSpec
    output_spec = EnhanceOutputSpec

    def _format_arg(self, name: str, spec: Any, value: Any) -> Any:
        if name in ("factor", "spacing"):
            numbers = value if isinstance(value, tuple) else (value,)
            return spec.argstr % ",".join(f"{number:g}" for number in numbers)
        return super()._format_arg(name, spec, value)

    def _list_outputs(self) -> dict[str, Any]:
        folder = Path(self.inputs.output).absolute()
        lines = [one for one in last_lines(folder).values() if one.good]
        return {
            "out_files": sorted({str(folder / name) for one in lines for name in _results(one)}),
            "out_maps": sorted(str(folder / name) for one in lines for name in _maps(one)),
            "out_dir": str(folder),
            "record": str(folder / MANIFEST),
        }


def _maps(outcome: Outcome) -> list[str]:
    return [name for name in outcome.outputs if name.startswith(f"{outcome.name}+")]


def _results(outcome: Outcome) -> list[str]:
    """The files of a result, or its folder."""
    files = [name for name in outcome.outputs if name not in _maps(outcome)]
    inside = [name for name in files if name.startswith(f"{outcome.name}/")]
    return [outcome.name] if inside else files
