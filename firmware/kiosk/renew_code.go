package kiosk

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/penjire/penjire/firmware/enrol"
	"github.com/penjire/penjire/firmware/signing"
	onetime "github.com/penjire/penjire/sync/enrol"
)

// codeFile is in the state folder while a one-time code waits for a memory stick. The
// code itself is kept nowhere: what proves it is enough for a stick.
const (
	codeFile = "code.proof"
	codeKind = "code-proof"
)

// typedCode is a one-time code that no network took. It waits for the next export.
type typedCode struct {
	proof [32]byte
	// of says which certificates the kiosk had. When it has another one, whichever way
	// that came, the code has done its work: an answer on a stick needs none.
	of [2][8]byte
}

// String hides what it is.
func (*typedCode) String() string { return "(hidden)" }

// certsNow are marks of the certificates in use.
func (k *Kiosk) certsNow() (of [2][8]byte) {
	for i, d := range k.devicesOf() {
		sum := sha256.Sum256(d.Signer.Cert.Raw)
		of[i] = [8]byte(sum[:8])
	}
	return of
}

// openCode takes up a code that waited when the kiosk was switched off.
func (k *Kiosk) openCode() {
	path := filepath.Join(k.s.State, codeFile)
	v, err := readKept(path, codeKind)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	var c typedCode
	if err == nil {
		c, err = parseTypedCode(v)
	}
	if err != nil {
		k.log.Warn("a one-time code that was typed is lost: it has to be typed again", "err", err)
		return
	}
	k.code.Store(&c)
	k.codeUsed()
}

func parseTypedCode(v string) (c typedCode, err error) {
	parts := strings.Split(v, ".")
	if len(parts) != 3 {
		return c, errKept
	}
	for i, to := range [][]byte{c.proof[:], c.of[0][:], c.of[1][:]} {
		b, err := hex.DecodeString(parts[i])
		if err != nil || len(b) != len(to) {
			return c, errKept
		}
		copy(to, b)
	}
	return c, nil
}

// keepCode has c wait for a stick, over restarts; nil: none waits any more, and it is
// erased.
func (k *Kiosk) keepCode(c *typedCode) error {
	k.coding.Lock()
	defer k.coding.Unlock()
	k.code.Store(c)
	path := filepath.Join(k.s.State, codeFile)
	if c == nil {
		return signing.EraseFile(path)
	}
	return writeKept(path, codeKind, fmt.Sprintf("%x.%x.%x", c.proof, c.of[0], c.of[1]))
}

// codeUsed erases the code that waits once a certificate is another one.
func (k *Kiosk) codeUsed() {
	c := k.code.Load()
	if c == nil || c.of == k.certsNow() {
		return
	}
	if err := k.keepCode(nil); err != nil {
		k.log.Warn("a used code is not erased; it opens nothing any more", "err", err)
	}
}

// codeRoute takes a new one-time code for a kiosk whose certificates do not renew
// any more, and gets new ones of the same keys with it. One that the portal refused is
// forgotten; one that no network took waits for a stick.
func (k *Kiosk) codeRoute(w http.ResponseWriter, r *http.Request) {
	code, err := onetime.ParseCode(r.FormValue("code"))
	typed := err == nil
	for i, key := range k.keysOf() {
		if err != nil {
			break
		}
		var chain []*x509.Certificate
		if chain, err = k.renewer.ByCode(r.Context(), key, code); err == nil {
			k.take(i, chain)
		}
	}
	if typed { // who mistypes one does not lose another
		err = errors.Join(err, k.settleCode(&typedCode{onetime.ProofKey(code), k.certsNow()}, err))
	}
	var d enrol.Done
	if err != nil {
		d.Error = err.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(d) // who asked has gone
}

// settleCode decides what becomes of a code of which the portal's answer, or that
// there is none, is err.
func (k *Kiosk) settleCode(c *typedCode, err error) error {
	no, refused := errors.AsType[*onetime.Refusal](err)
	waits := k.code.Load()
	switch {
	case err == nil:
		return k.keepCode(nil)
	case !refused || !no.OfCode():
		return k.keepCode(c)
	case waits != nil && waits.proof == c.proof:
		return k.keepCode(nil)
	}
	return nil
}
