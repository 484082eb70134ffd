//! How the threads of a context run: their names, CPUs and scheduling.

use std::io;
use std::sync::mpsc;
use std::thread::{Builder, JoinHandle};

use rustix::thread::{CpuSet, sched_setaffinity};

use super::deaf;

#[derive(Debug, Clone, Default)]
pub(crate) struct Threads {
    /// What their names start with.
    pub(crate) name: String,
    /// CPUs to keep them to; none to leave them alone.
    pub(crate) cpus: Vec<u32>,
    /// For pthread_setschedparam(3).
    pub(crate) policy: Option<u32>,
    /// Its priority; under a policy without priorities, how far to lower the
    /// nice value.
    pub(crate) priority: Option<u32>,
}

impl Threads {
    /// Starts one that runs `body`, unless the system refuses a setting.
    pub(crate) fn spawn(
        &self,
        index: usize,
        body: impl FnOnce() + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let settings = self.clone();
        let (tell, told) = mpsc::sync_channel(1);
        let builder = Builder::new().name(format!("{}/{index}", self.name));
        let run = move || {
            let applied = settings.apply();
            let is_good = applied.is_ok();
            // The starter waits for this.
            let _ = tell.send(applied);
            if is_good {
                body();
            }
        };
        let thread = deaf(|| builder.spawn(run))?;
        match told.recv() {
            Ok(Ok(())) => Ok(thread),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("an I/O thread ended as it started")),
        }
    }

    /// Applies the settings to the calling thread.
    fn apply(&self) -> io::Result<()> {
        if !self.cpus.is_empty() {
            let mut set = CpuSet::new();
            for &cpu in &self.cpus {
                let cpu = cpu as usize;
                if cpu >= CpuSet::MAX_CPU {
                    let what = format!("there is no CPU {cpu}");
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
                }
                set.set(cpu);
            }
            sched_setaffinity(None, &set)?;
        }
        if self.policy.is_some() || self.priority.is_some() {
            schedule(self.policy, self.priority)?;
        }
        Ok(())
    }
}

fn schedule(policy: Option<u32>, priority: Option<u32>) -> io::Result<()> {
    let mut current = 0;
    // SAFETY: an all-zero sched_param is a valid one.
    let mut param: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: both out-pointers are to live locals, and a thread may always
    // ask for its own parameters.
    let failed =
        unsafe { libc::pthread_getschedparam(libc::pthread_self(), &mut current, &mut param) };
    check(failed)?;
    let policy = policy.map_or(current, u32::cast_signed);
    let has_priorities = matches!(policy, libc::SCHED_FIFO | libc::SCHED_RR);
    let wanted = i32::try_from(priority.unwrap_or(0)).unwrap_or(i32::MAX);
    param.sched_priority = if has_priorities { wanted.max(1) } else { 0 };
    // SAFETY: `param` is a live local, and the thread is the calling one.
    check(unsafe { libc::pthread_setschedparam(libc::pthread_self(), policy, &param) })?;
    if !has_priorities && wanted > 0 {
        // On Linux a nice value is the calling thread's own.
        rustix::process::setpriority_process(None, -wanted.min(20))?;
    }
    Ok(())
}

fn check(failed: i32) -> io::Result<()> {
    match failed {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_runs_where_and_as_it_was_told() {
        let all = rustix::thread::sched_getaffinity(None).unwrap();
        let cpu = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap();
        let threads = Threads {
            name: "somewhere".to_owned(),
            cpus: vec![cpu as u32],
            policy: Some(libc::SCHED_BATCH.cast_unsigned()),
            priority: None,
        };
        let (tell, told) = mpsc::channel();
        threads
            .spawn(7, move || {
                let set = rustix::thread::sched_getaffinity(None).unwrap();
                let name = std::thread::current().name().map(ToOwned::to_owned);
                // SAFETY: asks for the policy of the calling thread.
                let policy = unsafe { libc::sched_getscheduler(0) };
                tell.send((set.count(), set.is_set(cpu), name, policy))
                    .unwrap();
            })
            .unwrap()
            .join()
            .unwrap();
        let name = Some("somewhere/7".to_owned());
        assert_eq!(told.recv().unwrap(), (1, true, name, libc::SCHED_BATCH));
    }

    #[test]
    fn a_setting_the_system_refuses_is_an_error() {
        for cpus in [vec![5000], vec![1023]] {
            let threads = Threads {
                cpus,
                ..Threads::default()
            };
            assert!(threads.spawn(0, || ()).is_err());
        }
        let threads = Threads {
            policy: Some(9999),
            ..Threads::default()
        };
        assert!(threads.spawn(0, || ()).is_err());
    }
}
