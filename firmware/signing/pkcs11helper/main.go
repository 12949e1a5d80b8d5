// Command pkcs11helper does for the kiosk what only a vendor's PKCS #11 library
// can do, in a process of its own: the library may crash or hang, and neither the
// kiosk nor what is in its memory is touched. It is the only part of Penjire that
// needs a C compiler, so it is a module of its own; it is installed as
// penjire-pkcs11.
//
//	penjire-pkcs11 LIBRARY
//
// # Protocol, version 1
//
// Requests come on standard input, answers go to standard output, one answer to
// each request and in their order. Both are frames: a 32-bit big-endian length of
// at most 1 MiB, and so many bytes of JSON. A request that says "secret": n is
// followed by n more bytes, at most 256, which are the PIN: it is in no JSON, no
// argument and no environment. Bytes in JSON are base64. Standard input that ends
// ends the process, also while the library hangs.
//
//	{"v":1, "id":7, "op":"tokens"}            -> {"v":1, "id":7, "tokens":[{"label", "serial", "model", "manufacturer",
//	                                              "pinpad":bool, "tries":-1|0|1}]}      what is in the readers
//	{"op":"certs", "label", "serial"}         -> {"certs":[{"id", "label", "der"}]}     of one token; serial may be ""
//	{"op":"login", "label", "serial", "secret":n} -> {}    logs out first: a PIN is always tried
//	{"op":"logout", "label", "serial"}        -> {}
//	{"op":"find", "label", "serial", "key"}   -> {"point" or "modulus", "exponent"}     is the private key there
//	{"op":"sign", "label", "serial", "key", "mechanism":"ECDSA"|"RSA_PKCS"|"RSA_PSS", "hash", "data"}
//	                                          -> {"data"}  ECDSA: r and s; RSA_PKCS: of a DigestInfo
//	{"op":"derive", "label", "serial", "key", "data"} -> {"data"}  ECDH with a point: the x coordinate
//
// An answer with "error": {"code", "rv", "text", "tries"} says why not: code is
// module, token.gone, key.none, pin.wrong, pin.locked, login.needed, unsupported,
// request or failed; rv the library's number; tries how many tries of the PIN are
// left, -1 if the library does not say.
//
// A key that wants the PIN for each use (CKA_ALWAYS_AUTHENTICATE) gets the one of
// the last login, once; then it is wiped, and the next use says login.needed.
//
// # Reference
//
// OASIS PKCS #11 Cryptographic Token Interface Base Specification 2.40.
package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] == "" {
		fmt.Fprintln(os.Stderr, "usage: penjire-pkcs11 LIBRARY")
		os.Exit(3)
	}
	// Libraries print. What they print must not get into the answers.
	out, err := unix.FcntlInt(1, unix.F_DUPFD_CLOEXEC, 3)
	if err == nil {
		err = unix.Dup3(2, 1, 0)
	}
	if err == nil {
		err = confine()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "penjire-pkcs11:", err)
		os.Exit(1)
	}
	serve(os.Stdin, os.NewFile(uintptr(out), "answers"), os.Args[1])
}
