package settings

import (
	"errors"
	"strings"
	"testing"
)

const fileKey = `"identity": {"cert": "tls.crt", "key": "/keys/tls.key"}`

func parseKeys(t *testing.T, keys string) (Settings, error) {
	t.Helper()
	in := strings.Replace(good, fileKey, keys, 1)
	if in == good {
		t.Fatal("the settings have no identity to replace")
	}
	return Parse([]byte(in), "/etc/penjire")
}

func TestKeys(t *testing.T) {
	s, err := parseKeys(t, `"identity": {"cert": "tls.crt", "tpm": {"handle": "0x81504B01"}},
		"signing": {"cert": "doc.crt", "pkcs11": {"module": "/usr/lib/x.so", "token": "kiosk", "id": "0A02", "pin_file": "pin"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (TPM{"/dev/tpmrm0", 0x81504B01}); s.Identity.TPM != want || s.Identity.Key != "" {
		t.Errorf("identity: got %+v, want %+v", s.Identity, want)
	}
	if want := (PKCS11{"/usr/lib/x.so", "kiosk", "0a02", "/etc/penjire/pin", ""}); s.Signing.PKCS11 != want {
		t.Errorf("signing: got %+v, want %+v", s.Signing.PKCS11, want)
	}
	if s.Counter != (Counter{}) {
		t.Errorf("counter: got %+v, want none", s.Counter)
	}
	s, err = parseKeys(t, `"identity": {"cert": "tls.crt", "tpm": {"device": "tpm.sock", "handle": "0x81000000"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counter{"/etc/penjire/tpm.sock", 0x01804B01}); s.Counter != want {
		t.Errorf("counter of a kiosk that signs with a TPM: got %+v, want %+v", s.Counter, want)
	}
	s, err = parseKeys(t, fileKey+`, "counter": {"index": "0x01800001"}`)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Counter{"/dev/tpmrm0", 0x01800001}); s.Counter != want {
		t.Errorf("counter: got %+v, want %+v", s.Counter, want)
	}
}

func TestKeyFaults(t *testing.T) {
	for keys, want := range map[string]string{
		`"identity": {"cert": "a"}`: "settings.identity: got 0 of key, tpm and pkcs11, want one",
		`"identity": {"cert": "a", "key": "b", "tpm": {"handle": "0x81000001"}}`: "settings.identity: got 2 of",
		`"identity": {"key": "b"}`:                                                                        "settings.identity.cert: missing",
		`"identity": {"cert": "a", "tpm": {}}`:                                                            "settings.identity.tpm.handle: missing",
		`"identity": {"cert": "a", "tpm": {"handle": "0x80000001"}}`:                                      `settings.identity.tpm.handle: got "0x80000001", want 0x81000000`,
		`"identity": {"cert": "a", "tpm": {"handle": "2164260865"}}`:                                      "settings.identity.tpm.handle: got",
		`"identity": {"cert": "a", "tpm": {"handle": 1}}`:                                                 "settings.identity.tpm.handle: got a number",
		`"identity": {"cert": "a", "tpm": "/dev/tpm0"}`:                                                   "settings.identity.tpm: got a text, want an object",
		`"identity": {"cert": "a", "tpm": {"handel": "0x81000001"}}`:                                      "settings.identity.tpm.handel: there is no such setting",
		`"identity": {"cert": "a", "pkcs11": {"module": "m", "token": "t", "id": "2", "pin_file": "p"}}`:  `settings.identity.pkcs11.id: got "2"`,
		`"identity": {"cert": "a", "pkcs11": {"module": "m", "id": "02", "pin_file": "p"}}`:               "settings.identity.pkcs11.token: missing",
		`"identity": {"cert": "a", "pkcs11": {"module": "m", "token": "t", "id": "02", "pin": "123456"}}`: "settings.identity.pkcs11.pin: there is no such setting",
		fileKey + `, "counter": {"index": "0x01500010"}`:                                                  `settings.counter.index: got "0x01500010"`,
	} {
		_, err := parseKeys(t, keys)
		var fs Faults
		if !errors.As(err, &fs) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", keys, err, want)
		}
	}
}
