"""One task after the other: each waits until the one before is done."""

import time


def sync_task(task_id):
    print(f"Start task {task_id}")
    time.sleep(2)
    print(f"End task {task_id}")


start = time.time()
sync_task(1)
sync_task(2)
print(f"Total time: {time.time() - start:.2f} seconds")
