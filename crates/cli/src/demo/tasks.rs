//! Two tasks of two seconds each, done by a worker. The synchronous sender
//! waits for each to end (REQ and REP), the asynchronous one goes on without
//! waiting (DEALER and DEALER).

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use smol::{LocalExecutor, Timer, future};
use zincmq::error::RecvError;
use zincmq::{Context, Socket, SocketType};

use super::failure::Failure;
use super::stage::{Stage, check, single, together};
use crate::console::say;

const TASKS: usize = 2;
const WORK: Duration = Duration::from_secs(2);

/// One task after the other: four seconds.
pub fn one_by_one(stage: &Stage) -> Result<String, Failure> {
    let log = play(
        stage,
        [SocketType::Req, SocketType::Rep],
        await_each,
        work_in_turn,
    )?;
    let in_turn = ["Start task 1", "End task 1", "Start task 2", "End task 2"];
    check(
        "the course of the tasks",
        &log,
        &in_turn.map(str::to_owned).to_vec(),
    )?;
    Ok("the first task had ended before the second started".to_owned())
}

/// Both at the same time: two seconds.
pub fn all_at_once(stage: &Stage) -> Result<String, Failure> {
    let mut log = play(
        stage,
        [SocketType::Dealer, SocketType::Dealer],
        |stage, sender| smol::block_on(send_ahead(stage, sender)),
        |stage, worker, log| smol::block_on(work_together(stage, worker, log)),
    )?;
    // Which of two that run at once is first, neither says.
    let middle = TASKS.min(log.len());
    log[..middle].sort();
    log[middle..].sort();
    let together = ["Start task 1", "Start task 2", "End task 1", "End task 2"];
    check(
        "the course of the tasks",
        &log,
        &together.map(str::to_owned).to_vec(),
    )?;
    Ok("both tasks had started before one ended".to_owned())
}

/// What the worker did, in order.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Log {
    fn say(&self, line: String) {
        say(&line);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(line);
    }
}

fn play(
    stage: &Stage,
    [ours, theirs]: [SocketType; 2],
    send: impl FnOnce(&Stage, &Socket) -> Result<(), Failure> + Send,
    work: impl FnOnce(&Stage, &Socket, &Log) -> Result<(), Failure> + Send,
) -> Result<Vec<String>, Failure> {
    let context = Context::new();
    let worker = stage.socket(&context, theirs)?;
    let sender = stage.socket(&context, ours)?;
    let endpoint = stage.bind(&worker)?;
    stage.connect(&sender, &endpoint)?;
    let log = Log::default();
    together(
        &context,
        vec![
            ("worker", Box::new(|| work(stage, &worker, &log))),
            (
                "sender",
                Box::new(|| {
                    let start = Instant::now();
                    send(stage, &sender)?;
                    let total = start.elapsed().as_secs_f64();
                    say(format_args!("Total time: {total:.2} seconds"));
                    Ok(())
                }),
            ),
        ],
    )?;
    Ok(log.0.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn await_each(stage: &Stage, sender: &Socket) -> Result<(), Failure> {
    for task in 1..=TASKS {
        stage.send(sender, task.to_string(), format_args!("send task {task}"))?;
        let ended = stage.recv(sender, format_args!("hear of the end of task {task}"))?;
        check("the task that ended", &ended, &task.to_string())?;
    }
    Ok(())
}

fn work_in_turn(stage: &Stage, worker: &Socket, log: &Log) -> Result<(), Failure> {
    for _ in 0..TASKS {
        let task = stage.recv(worker, "receive a task")?;
        log.say(format!("Start task {task}"));
        stage.work(WORK);
        log.say(format!("End task {task}"));
        stage.send(worker, &*task, format_args!("tell the end of task {task}"))?;
    }
    Ok(())
}

async fn send_ahead(stage: &Stage, sender: &Socket) -> Result<(), Failure> {
    for task in 1..=TASKS {
        send(sender, task.to_string(), format_args!("send task {task}")).await?;
    }
    let mut ended = Vec::new();
    for _ in 0..TASKS {
        ended.push(recv(stage, sender, "hear of the end of a task").await?);
    }
    ended.sort();
    let all: Vec<String> = (1..=TASKS).map(|task| task.to_string()).collect();
    check("the tasks that ended", &ended, &all)
}

async fn work_together(stage: &Stage, worker: &Socket, log: &Log) -> Result<(), Failure> {
    let executor = LocalExecutor::new();
    let all = async {
        let mut running = Vec::new();
        for _ in 0..TASKS {
            let task = recv(stage, worker, "receive a task").await?;
            running.push(executor.spawn(async move {
                log.say(format!("Start task {task}"));
                Timer::after(stage.span(WORK)).await;
                log.say(format!("End task {task}"));
                send(worker, &*task, format_args!("tell the end of task {task}")).await
            }));
        }
        for task in running {
            task.await?;
        }
        Ok(())
    };
    executor.run(all).await
}

async fn send(
    socket: &Socket,
    text: impl Into<String>,
    doing: impl Display,
) -> Result<(), Failure> {
    socket
        .send_async(text.into())
        .await
        .map_err(|error| Failure::call(doing, error))
}

async fn recv(stage: &Stage, socket: &Socket, doing: &str) -> Result<String, Failure> {
    let late = async {
        Timer::after(stage.left()).await;
        Err(RecvError::TimedOut)
    };
    let message = future::or(socket.recv_async(), late)
        .await
        .map_err(|error| Failure::call(doing, error))?;
    single(&message, doing)
}
