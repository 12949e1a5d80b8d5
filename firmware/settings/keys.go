package settings

import (
	"regexp"
	"strconv"
	"strings"
)

// Pair is a certificate and where its key is: in a file, in a TPM, or in a
// token that is reached by PKCS #11. Exactly one of them is set.
type Pair struct {
	Cert   string // PEM file; its issuers may follow it
	Key    string // PEM file that nobody but the daemon's user can get at
	TPM    TPM
	PKCS11 PKCS11
}

// TPM is a key in a TPM 2.0.
type TPM struct {
	Device string // /dev/tpmrm0, or the unix socket of a software TPM; "" none
	Handle uint32 // of the key: 0x81000000 to 0x817FFFFF
}

// PKCS11 is a key in a token.
type PKCS11 struct {
	Module  string // the vendor's library; "" none
	Token   string // label of the token
	ID      string // of the key and its certificate in it: bytes in lower-case hex
	PINFile string // file with the PIN, that nobody but the daemon's user can get at
	Helper  string // the program that loads the library; "" is penjire-pkcs11 beside this one
}

// Counter is a counter in a TPM that no one can turn back, for the heads of the
// journal.
type Counter struct {
	Device string // as of TPM; "" none
	Index  uint32 // 0x01800000 to 0x01BFFFFF
}

// The defaults of what is in a TPM.
const (
	defaultTPM   = "/dev/tpmrm0"
	defaultIndex = 0x01804B01
)

func (n node) pair(dir string) Pair {
	if n.v == nil {
		return Pair{}
	}
	n.only("cert", "key", "tpm", "pkcs11")
	p := Pair{
		Cert: n.key("cert").must().file(dir), Key: n.key("key").file(dir),
		TPM: n.key("tpm").tpm(dir), PKCS11: n.key("pkcs11").pkcs11(dir),
	}
	places := 0
	for _, k := range []string{"key", "tpm", "pkcs11"} {
		if n.key(k).v != nil {
			places++
		}
	}
	if places != 1 {
		n.fault("got %d of key, tpm and pkcs11, want one of them", places)
	}
	return p
}

func (n node) tpm(dir string) TPM {
	if n.v == nil {
		return TPM{}
	}
	n.only("device", "handle")
	return TPM{Device: n.key("device").device(dir), Handle: n.key("handle").must().hex32(0x81000000, 0x817FFFFF)}
}

func (n node) counter(dir string) Counter {
	if n.v == nil {
		return Counter{}
	}
	n.only("device", "index")
	c := Counter{Device: n.key("device").device(dir), Index: defaultIndex}
	if i := n.key("index"); i.v != nil {
		c.Index = i.hex32(0x01800000, 0x01BFFFFF)
	}
	return c
}

func (n node) device(dir string) string {
	if d := n.file(dir); d != "" {
		return d
	}
	return defaultTPM
}

var hexBytes = regexp.MustCompile(`^([0-9A-Fa-f]{2}){1,64}$`)

func (n node) pkcs11(dir string) PKCS11 {
	if n.v == nil {
		return PKCS11{}
	}
	n.only("module", "token", "id", "pin_file", "helper")
	p := PKCS11{
		Module: n.key("module").must().file(dir), Token: n.key("token").must().text(),
		ID: n.key("id").must().text(), PINFile: n.key("pin_file").must().file(dir), Helper: n.key("helper").file(dir),
	}
	if p.ID != "" && !hexBytes.MatchString(p.ID) {
		n.key("id").fault("got %q, want bytes in hex", p.ID)
	}
	p.ID = strings.ToLower(p.ID)
	return p
}

// hex32 reads a number as TPM tools write it: "0x81010001".
func (n node) hex32(lo, hi uint32) uint32 {
	s := n.text()
	if s == "" {
		return 0 // said already
	}
	v, err := strconv.ParseUint(s, 0, 32)
	if err != nil || !strings.HasPrefix(s, "0x") || uint32(v) < lo || uint32(v) > hi {
		n.fault("got %q, want %#x to %#x", s, lo, hi)
		return 0
	}
	return uint32(v)
}
