import ctypes
import subprocess
import sys
from ctypes import c_char_p, c_int, c_void_p

czmq = ctypes.CDLL(sys.argv[1])
for name, result, arguments in [
    ("zcert_new", c_void_p, []),
    ("zcert_load", c_void_p, [c_char_p]),
    ("zcert_save", c_int, [c_void_p, c_char_p]),
    ("zcert_save_secret", c_int, [c_void_p, c_char_p]),
    ("zcert_public_txt", c_char_p, [c_void_p]),
    ("zcert_secret_txt", c_char_p, [c_void_p]),
    ("zcert_meta", c_char_p, [c_void_p, c_char_p]),
    ("zcert_set_meta", None, [c_void_p, c_char_p, c_char_p, c_char_p]),
]:
    function = getattr(czmq, name)
    function.restype, function.argtypes = result, arguments


def zinc(*arguments):
    command = ["zinc", "keygen", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


made = czmq.zcert_new()
czmq.zcert_set_meta(made, b"name", b"%s", b"it's # Bob")
czmq.zcert_set_meta(made, b"note", b"%s", b'a "b" c')
assert czmq.zcert_save(made, b"bob") == 0
public_key = czmq.zcert_public_txt(made).decode() + "\n"
secret_key = czmq.zcert_secret_txt(made).decode() + "\n"
shown = zinc("--show", "bob")
assert (shown.stdout, shown.stderr) == (public_key, ""), shown
shown = zinc("--show", "bob_secret", "--secret")
assert (shown.stdout, shown.stderr) == (secret_key, ""), shown

# One that knows no secret key, saved as if it did.
half = "bob_half"
with open("bob") as whole, open(half, "w") as file:
    file.write("".join(line for line in whole if "note" not in line))
assert czmq.zcert_save_secret(czmq.zcert_load(half.encode()), b"nothing") == 0
shown = zinc("--show", "nothing", "--secret")
assert shown.returncode == 1 and "no secret key" in shown.stderr, shown
assert zinc("--show", "nothing").stdout == public_key

made = zinc("anna", "--meta", "name=it's # Anna", "--meta", 'note=say "hi"', "--meta", "both=it's \"it\"")
assert made.returncode == 0, made
read = czmq.zcert_load(b"anna")
assert czmq.zcert_meta(read, b"name") == b"it's # Anna"
assert czmq.zcert_meta(read, b"note") == b'say "hi"'
assert czmq.zcert_meta(read, b"both") == b"it's \"it\""
shown = zinc("--show", "anna_secret", "--secret").stdout.encode()
assert czmq.zcert_secret_txt(read) + b"\n" == shown
print("ok")
