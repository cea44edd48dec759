"""What documents name and no test can find, each with the reason. One that is not needed any more fails a test."""

from __future__ import annotations

# By document, as its name ends, and by what it names there.
OF_RENDERED = {
    ("infra/README.md", "terraform/.terraform.lock.hcl"): "`terraform init` writes it",
    ("infra/terraform/README.md", ".terraform.lock.hcl"): "`terraform init` writes it",
    ("argocd/docs/runbooks/chart-mirror.md", "index.yaml"): "`helm repo index` writes it",
    ("infra/README.md", ". .venv/bin/activate"): "`make tools` makes it",
    ("apps/README.md", "out/APP/"): "`ci/build-image` makes it",
    ("apps/README.md", "sources/APP/.trivyignore"): "a person may write one",
    ("infra/README.md", "backup.json"): "`playbooks/backup.yml` writes it",
}
OF_PRODUCT = {
    ("CONTRIBUTING.md", "dist/"): "`make release` makes it",
    ("docs/architecture.md", ".fmc/state.json"): "fmc keeps it while it pushes",
    ("docs/architecture.md", ".fmc/rotation.json"): "fmc keeps it while it rotates",
    ("docs/architecture.md", "ci/jenkins.groovy"): "it is rendered where Jenkins runs the pipeline",
    ("docs/architecture.md", "out/"): "a step of a pipeline makes it",
    ("docs/architecture.md", "fmc/x"): "a branch of a remote",
    ("docs/architecture.md", "pipeline.py"): "the module that was decided against",
    ("docs/benchmarks.md", "bench/results.json"): "`make bench` writes it",
    ("tests/e2e/charts/README.md", "manifests/crds"): "a folder of Argo CD's repository",
}
