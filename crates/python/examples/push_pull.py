"""Push and pull: tasks are shared out among workers, and the results gathered."""

import threading

import zincmq as zmq


def work(ctx, tasks, results):
    with ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.PUSH) as push:
        pull.connect(tasks)
        push.connect(results)
        while (number := pull.recv_pyobj()) is not None:
            push.send_pyobj(number * number)


with zmq.Context() as ctx, ctx.socket(zmq.PUSH) as tasks, ctx.socket(zmq.PULL) as results:
    tasks.bind("tcp://127.0.0.1:*")
    results.bind("tcp://127.0.0.1:*")
    ends = tasks.last_endpoint.decode(), results.last_endpoint.decode()
    workers = [threading.Thread(target=work, args=(ctx, *ends)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for number in range(10):
        tasks.send_pyobj(number)
    print(sorted(results.recv_pyobj() for _ in range(10)))
    # One for each: whoever has got it asks for no more.
    for worker in workers:
        while worker.is_alive():
            tasks.send_pyobj(None)
            worker.join(0.1)
