//! The workloads, as their manifest lists them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// One program and its arguments.
#[derive(Clone, Debug, Deserialize)]
pub struct Workload {
    /// The name.
    pub name: String,
    /// What it exercises.
    pub group: String,
    /// The file, beside the manifest.
    pub file: PathBuf,
    n: i32,
    n_small: i32,
    expected: String,
    expected_small: String,
    /// What it needs beyond the baseline.
    #[serde(default)]
    pub features: Vec<String>,
}

#[derive(Deserialize)]
struct Manifest {
    workload: Vec<Workload>,
}

impl Workload {
    /// The argument and the result, which are for a measurement or, if `small`, for a test.
    pub fn argument(&self, small: bool) -> Result<(i32, i64)> {
        let (n, expected) = if small { (self.n_small, &self.expected_small) } else { (self.n, &self.expected) };
        let expected = expected.parse().with_context(|| format!("the expected result of {} is no i64", self.name))?;
        Ok((n, expected))
    }
}

/// The workloads of a manifest whose name or group is in `only`; all, if that is empty.
pub fn read(manifest: &Path, only: &[String]) -> Result<Vec<Workload>> {
    let text = std::fs::read_to_string(manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    let Manifest { workload: mut workloads } = toml::from_str(&text)?;
    for name in only {
        if !workloads.iter().any(|workload| workload.name == *name || workload.group == *name) {
            bail!("no workload or group `{name}`");
        }
    }
    workloads.retain(|workload| only.is_empty() || only.contains(&workload.name) || only.contains(&workload.group));
    let directory = manifest.parent().unwrap_or(Path::new("."));
    for workload in &mut workloads {
        workload.file = directory.join(&workload.file);
    }
    Ok(workloads)
}
