// Every study of a folder with Nextflow, one process a study:
//
//     nextflow run enhance.nf --scans 'raw/*' --out enhanced
//
// A study is a folder of NIfTI files or DICOM series. --exit-zero: a study in which one scan is
// refused is a result, too; its manifest, medddim.json, says which and why. medddim exits with 3
// where the machine lacks something, which may be over on the next try.

params.scans = 'scans/*'
params.out = 'enhanced'
params.model = 'auto'

process ENHANCE {
    tag study.baseName
    cpus 1
    memory '3 GB'
    errorStrategy { task.exitStatus == 3 ? 'retry' : 'terminate' }
    maxRetries 2
    publishDir params.out, mode: 'copy'

    input:
    path study, stageAs: 'study/*'

    output:
    path "${study.name}"

    script:
    """
    medddim enhance '${study}' -o '${study.name}' --model '${params.model}' \
        --threads ${task.cpus} --quiet --exit-zero
    """
}

workflow {
    ENHANCE(Channel.fromPath(params.scans, type: 'dir'))
}
