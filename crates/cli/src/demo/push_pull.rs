//! A pipeline: a ventilator pushes tasks to workers, a sink pulls the results
//! (PUSH and PULL).

use std::time::Duration;

use zincmq::{Context, Socket, SocketType};

use super::failure::Failure;
use super::stage::{Role, Stage, check, together};
use crate::console::say;

const WORKERS: usize = 3;
const TASKS: usize = 6;
const WORK: Duration = Duration::from_millis(500);

/// A worker's two ends: tasks come in, results go out.
struct Worker {
    number: usize,
    tasks: Socket,
    results: Socket,
}

pub fn play(stage: &Stage) -> Result<String, Failure> {
    let context = Context::new();
    let ventilator = stage.socket(&context, SocketType::Push)?;
    let sink = stage.socket(&context, SocketType::Pull)?;
    let sink_endpoint = stage.bind(&sink)?;
    let mut workers = Vec::new();
    for number in 1..=WORKERS {
        let tasks = stage.socket(&context, SocketType::Pull)?;
        let results = stage.socket(&context, SocketType::Push)?;
        // Which side binds does not matter to the pattern. Here the ventilator
        // connects, as whom it connects to has a share from the first task on.
        stage.connect(&ventilator, &stage.bind(&tasks)?)?;
        stage.connect(&results, &sink_endpoint)?;
        workers.push(Worker {
            number,
            tasks,
            results,
        });
    }

    let mut collected = Vec::new();
    let mut roles: Vec<Role<'_>> = vec![
        ("ventilator", Box::new(|| share_out(stage, &ventilator))),
        ("sink", Box::new(|| collect(stage, &sink, &mut collected))),
    ];
    for worker in &workers {
        roles.push(("worker", Box::new(|| work(stage, worker))));
    }
    together(&context, roles)?;

    verify(&collected)?;
    Ok(format!(
        "all {TASKS} tasks were done once, {} by each of {WORKERS} workers",
        TASKS / WORKERS
    ))
}

/// Who did which task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Done {
    task: usize,
    worker: usize,
}

fn share_out(stage: &Stage, ventilator: &Socket) -> Result<(), Failure> {
    for task in 0..TASKS {
        say(format_args!("Ventilator: task {task}"));
        stage.send(
            ventilator,
            task.to_string(),
            format_args!("send task {task}"),
        )?;
    }
    Ok(())
}

fn work(stage: &Stage, worker: &Worker) -> Result<(), Failure> {
    let Worker {
        number,
        tasks,
        results,
    } = worker;
    for _ in 0..TASKS / WORKERS {
        let task = stage.recv(tasks, format_args!("receive a task for worker {number}"))?;
        say(format_args!("Worker {number}: task {task}"));
        stage.work(WORK);
        stage.send(
            results,
            format!("{task} {number}"),
            format_args!("send the result of task {task}"),
        )?;
    }
    Ok(())
}

fn collect(stage: &Stage, sink: &Socket, collected: &mut Vec<Done>) -> Result<(), Failure> {
    for _ in 0..TASKS {
        let text = stage.recv(sink, "collect a result")?;
        let done = parse(&text).ok_or_else(|| {
            Failure::unexpected("a result", "a task and a worker", format_args!("{text:?}"))
        })?;
        say(format_args!(
            "Sink: task {} from worker {}",
            done.task, done.worker
        ));
        collected.push(done);
    }
    Ok(())
}

fn parse(text: &str) -> Option<Done> {
    let (task, worker) = text.split_once(' ')?;
    Some(Done {
        task: task.parse().ok()?,
        worker: worker.parse().ok()?,
    })
}

/// Every task once, and to each worker the same number of them: PUSH goes
/// round its peers as long as they have room.
fn verify(collected: &[Done]) -> Result<(), Failure> {
    let mut tasks: Vec<usize> = collected.iter().map(|done| done.task).collect();
    tasks.sort_unstable();
    check("the tasks done", &tasks, &(0..TASKS).collect())?;
    let shares: Vec<usize> = (1..=WORKERS)
        .map(|number| {
            collected
                .iter()
                .filter(|done| done.worker == number)
                .count()
        })
        .collect();
    check(
        "the tasks of each worker",
        &shares,
        &vec![TASKS / WORKERS; WORKERS],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fair() -> Vec<Done> {
        (0..TASKS)
            .map(|task| Done {
                task,
                worker: 1 + task % WORKERS,
            })
            .collect()
    }

    #[test]
    fn a_fair_share_holds() {
        verify(&fair()).unwrap();
    }

    #[test]
    fn a_task_done_twice_and_one_not_done_are_noticed() {
        let mut collected = fair();
        collected[0].task = 1;
        assert_eq!(
            verify(&collected).unwrap_err().to_string(),
            "the tasks done: expected [0, 1, 2, 3, 4, 5], saw [1, 1, 2, 3, 4, 5]"
        );
    }

    #[test]
    fn an_idle_worker_is_noticed() {
        let mut collected = fair();
        for done in &mut collected {
            done.worker = done.worker.min(2);
        }
        assert_eq!(
            verify(&collected).unwrap_err().to_string(),
            "the tasks of each worker: expected [2, 2, 2], saw [2, 4, 0]"
        );
    }
}
