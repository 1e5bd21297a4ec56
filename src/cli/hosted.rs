//! An engine that is started for a command's own calls, with a store that goes away after them.

use super::run::located;
use super::{Exit, output};
use crate::carrier::Carrier;
use crate::line::Disk;
use crate::line::config::{self, Settings};
use crate::line::host::{Host, Refusal};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A folder that is removed with its content.
pub(super) struct Folder(pub(super) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's folder for such things does no harm.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// Starts an engine for the flow, with a store of its own and this carrier's account.
pub(super) async fn begin(flow: &Path, carrier: &Carrier) -> Result<(Host, Folder), Exit> {
    let (root, flow) = located(flow)?;
    let settings = config::load(&root, &providers_alone).map_err(|error| output::config_refused(&error))?;
    let folder = std::env::temp_dir().join(format!("engine-simulate-{}", std::process::id()));
    let folder = Folder(folder);
    if let Err(error) = std::fs::create_dir_all(&folder.0) {
        eprintln!("error: the folder `{}` cannot be made: {error}", folder.0.display());
        return Err(Exit::Unavailable);
    }
    let settings = for_carrier(settings, carrier, &folder.0);
    match Host::start(settings, Arc::new(Disk::new(root)), &flow).await {
        Ok(host) => {
            output::findings_of(&host.warnings);
            Ok((host, folder))
        }
        Err(Refusal::Flows(wrong)) => Err(output::flows_refused(&wrong)),
        Err(Refusal::Store(error)) => Err(output::store_refused(&error)),
        Err(Refusal::Port(error)) => {
            eprintln!("error: {error}");
            Err(Exit::Unavailable)
        }
    }
}

/// Keys and addresses of providers; the carrier and the store are this command's own.
fn providers_alone(name: &str) -> Option<String> {
    let foreign = ["TWILIO_", "PUBLIC_", "DATABASE_URL", "PORT", "DEPLOY_ID", "JWT_SECRET"];
    let is_foreign = foreign.iter().any(|prefix| name.starts_with(prefix));
    (!is_foreign).then(|| std::env::var(name).ok()).flatten()
}

/// The flow's own settings, but with this carrier's account, a fresh store and a port of this machine only.
pub(super) fn for_carrier(mut settings: Settings, carrier: &Carrier, folder: &Path) -> Settings {
    let token = SecretString::from(carrier.auth_token.clone());
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.database = database(folder);
    settings.config.public_url = None;
    settings.server.public_base = None;
    settings.server.verify_signatures = true;
    settings.server.auth_token = Some(token.clone());
    settings.carrier.account_sid = Some(carrier.account_sid.clone());
    settings.carrier.credentials = Some(crate::channels::twilio::Credentials::AuthToken(token));
    settings.carrier.api_url = carrier.rest_url.clone();
    settings.drain = Duration::from_millis(500);
    settings
}

/// The address of the store in a folder.
pub(super) fn database(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("engine.db").display())
}
