//! The registry's pages. Enters: the schemas, and the examples of the repository. Leaves: each page's path and
//! text. Deliberately absent: writing them.

use std::fs;
use std::path::{Path, PathBuf};

use provider_redis::cluster::{cluster_schema, clusters_schema, data_schema};
use provider_redis::provider::schema::provider_schema;
use thiserror::Error;

use super::attributes::render_schema;

pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

#[derive(Debug, Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is not what the schema says: run `make docs` and commit the page", path.display())]
    Differs { path: PathBuf },
}

/// Every page, as it should be in the repository at `root`.
pub(crate) fn pages(root: &Path) -> Result<Vec<Page>, Error> {
    let page = |name: &str, text| Page { path: root.join("docs").join(name), text };
    Ok(vec![
        page("index.md", render_provider(root)?),
        page("resources/ha_cluster.md", render_cluster(root)?),
        page("data-sources/ha_clusters.md", render_clusters(root)?),
        page("data-sources/ha_cluster.md", render_data(root)?),
    ])
}

/// That each page is on disk as it should be.
pub(crate) fn require_same(pages: &[Page]) -> Result<(), Error> {
    for page in pages {
        if read(&page.path)? != page.text {
            return Err(Error::Differs { path: page.path.clone() });
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}

fn example(root: &Path, name: &str, language: &str) -> Result<String, Error> {
    let text = read(&root.join("examples").join(name))?;
    Ok(format!("```{language}\n{}\n```\n", text.trim_end()))
}

/// The registry's front matter and the page's first lines. The description is folded so that no quoting is needed.
fn render_head(title: &str, heading: &str, description: &str) -> String {
    format!(
        "---\n# Written by `make docs` from the schema: edit the schema, not this page.\npage_title: \"{title}\"\n\
         description: |-\n  {description}\n---\n\n# {heading}\n\n{description}\n"
    )
}

fn render_provider(root: &Path) -> Result<String, Error> {
    let schema = provider_schema();
    Ok([
        render_head("Provider: Redis", "Redis Provider", &schema.description),
        format!("\n## Example Usage\n\n{}", example(root, "provider/provider.tf", "terraform")?),
        format!("\n{}", render_schema(&schema.attributes)),
    ]
    .concat())
}

fn render_clusters(root: &Path) -> Result<String, Error> {
    let schema = clusters_schema();
    Ok([
        render_head(
            "redis_ha_clusters Data Source - terraform-provider-redis",
            "redis_ha_clusters (Data Source)",
            &schema.description,
        ),
        format!(
            "\n## Example Usage\n\n{}",
            example(root, "data-sources/redis_ha_clusters/data-source.tf", "terraform")?
        ),
        format!("\n{}", render_schema(&schema.attributes)),
    ]
    .concat())
}

fn render_cluster(root: &Path) -> Result<String, Error> {
    let schema = cluster_schema();
    Ok([
        render_head(
            "redis_ha_cluster Resource - terraform-provider-redis",
            "redis_ha_cluster (Resource)",
            &schema.description,
        ),
        format!("\n## Example Usage\n\n{}", example(root, "quickstart/main.tf", "terraform")?),
        "\nThe least that a cluster needs, where the provider reaches Kubernetes by itself:\n\n".to_owned(),
        example(root, "resources/redis_ha_cluster/resource.tf", "terraform")?,
        format!("\n{}", render_schema(&schema.attributes)),
        "\n## Import\n\nA release that exists already, of this or of any public redis-ha chart, is imported by its \
         names. The shorter id\nreaches the cluster of the provider's `kubernetes` block or of the `KUBE_*` \
         variables; the longer one reaches it\nthrough GKE, and may end with the node pool to manage. The guide \
         [Adopt what already runs](../guides/import.md)\ntells all ways in.\n\n"
            .to_owned(),
        example(root, "resources/redis_ha_cluster/import.sh", "shell")?,
        "\nWith Terraform 1.12 or later by its identity:\n\n".to_owned(),
        example(root, "resources/redis_ha_cluster/import-by-identity.tf", "terraform")?,
    ]
    .concat())
}

fn render_data(root: &Path) -> Result<String, Error> {
    let schema = data_schema();
    Ok([
        render_head(
            "redis_ha_cluster Data Source - terraform-provider-redis",
            "redis_ha_cluster (Data Source)",
            &schema.description,
        ),
        format!(
            "\n## Example Usage\n\n{}",
            example(root, "data-sources/redis_ha_cluster/data-source.tf", "terraform")?
        ),
        format!("\n{}", render_schema(&schema.attributes)),
    ]
    .concat())
}
