-- Orthanc hands every study that nothing is added to any more to `medddim listen`, which sends the
-- derived series back into it. What comes round, results and studies done before, medddim drops.
-- In orthanc.json:  "LuaScripts": ["orthanc.lua"],
--                   "DicomModalities": {"MEDDDIM": ["MEDDDIM", "127.0.0.1", 11112]}
function OnStableStudy(studyId, tags, metadata)
  RestApiPost('/modalities/MEDDDIM/store', DumpJson({ Resources = { studyId }, Asynchronous = true }, true))
end
