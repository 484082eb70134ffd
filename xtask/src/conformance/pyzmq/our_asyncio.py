"""Plugin of pytest: tests that import zmq.asyncio are given zincmq.asyncio."""

import sys

import zincmq
import zincmq.asyncio

sys.modules["zmq.asyncio"] = zincmq.asyncio
sys.modules["zmq"].asyncio = zincmq.asyncio
