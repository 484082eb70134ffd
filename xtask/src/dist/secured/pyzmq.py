import os
import subprocess

import zmq.auth


def zinc(*arguments):
    done = subprocess.run(["zinc", "keygen", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done
    return done


notes = {"name": "Bob B", "note": "it's \"quoted\""}
public, secret = zmq.auth.create_certificates(".", "bob", notes)
os.chmod(secret, 0o644)
public_key, secret_key = zmq.auth.load_certificate(secret)
assert zinc("--show", public).stdout == public_key.decode() + "\n"
shown = zinc("--show", secret, "--secret")
assert shown.stdout == secret_key.decode() + "\n", shown
assert "others on this machine can read" in shown.stderr, shown

zinc("anna.key", "--meta", "name=it's Anna", "--meta", 'note=a "#" b')
public_key, secret_key = zmq.auth.load_certificate("anna.key_secret")
assert zmq.curve_public(secret_key) == public_key
assert zmq.auth.load_certificate("anna.key") == (public_key, None)
assert public_key in zmq.auth.load_certificates(".")
print("ok")
