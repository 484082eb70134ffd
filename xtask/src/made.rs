//! Folders made from a recipe, once.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Has `make` make the folder, unless it is there and `recipe` is what it was made from. One that
/// was not finished is made anew.
pub fn made(folder: &Path, recipe: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let stamp = folder.with_extension("recipe");
    if fs::read_to_string(&stamp).ok().as_deref() == Some(recipe) {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    make(folder)?;
    fs::write(&stamp, recipe).with_context(|| stamp.display().to_string())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::bail;

    use super::*;

    #[test]
    fn makes_again_what_was_not_finished_or_has_another_recipe() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("made");
        let count = Cell::new(0);
        let make = |recipe, ends_well| {
            made(&folder, recipe, |folder| {
                assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
                fs::write(folder.join("file"), recipe)?;
                count.set(count.get() + 1);
                match ends_well {
                    true => Ok(()),
                    false => bail!("half way"),
                }
            })
        };
        make("one", false).unwrap_err();
        make("one", true).unwrap();
        make("one", true).unwrap();
        assert_eq!(count.get(), 2);
        make("two", true).unwrap();
        assert_eq!(fs::read_to_string(folder.join("file")).unwrap(), "two");
    }
}
