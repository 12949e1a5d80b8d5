package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/miekg/pkcs11"
)

// library is a vendor's library with its tokens.
type library struct {
	p    *pkcs11.Ctx // nil: it did not load
	why  error
	open map[uint]*session // by slot
}

// session is what is open with one token.
type session struct {
	h      pkcs11.SessionHandle
	logged bool
	pin    []byte // for one more use; nil: none
}

func open(path string) *library {
	l := &library{p: pkcs11.New(path), open: map[uint]*session{}}
	if l.p == nil {
		l.why = &Fault{Code: "module", Text: "the library cannot be loaded: " + path, Tries: -1}
		return l
	}
	if err := l.p.Initialize(); err != nil && !errors.Is(err, pkcs11.Error(pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		l.why = &Fault{Code: "module", Text: "the library does not start: " + err.Error(), Tries: -1}
	}
	return l
}

func (l *library) do(q Request, a *Answer) (err error) {
	switch {
	case q.V != version:
		return &Fault{Code: "request", Text: fmt.Sprintf("version %d of the protocol, want %d", q.V, version), Tries: -1}
	case l.why != nil:
		return l.why
	}
	if q.Op == "tokens" {
		a.Tokens, err = l.tokens()
		return err
	}
	slot, err := l.find(q.Label, q.Serial)
	if err != nil {
		return err
	}
	switch q.Op {
	case "certs":
		a.Certs, err = l.certs(slot)
	case "login":
		err = l.login(slot, q.pin)
	case "logout":
		l.forget(slot)
	case "find":
		err = l.public(slot, q.Key, a)
	case "sign":
		a.Data, err = l.sign(slot, q)
	case "derive":
		a.Data, err = l.derive(slot, q)
	default:
		err = &Fault{Code: "request", Text: "there is no such operation", Tries: -1}
	}
	if f := explain(err); f != nil && f.Code == "token.gone" {
		l.forget(slot) // its sessions went with it
	}
	return err
}

func (l *library) tokens() ([]Token, error) {
	slots, err := l.p.GetSlotList(true)
	if err != nil {
		return nil, err
	}
	var out []Token
	for _, s := range slots {
		t, err := l.p.GetTokenInfo(s)
		if err != nil {
			continue // taken out in between, or not a token that it knows
		}
		if t.Flags&pkcs11.CKF_TOKEN_INITIALIZED == 0 {
			continue
		}
		out = append(out, Token{
			Label: trim(t.Label), Serial: trim(t.SerialNumber), Model: trim(t.Model), Manufacturer: trim(t.ManufacturerID),
			Pinpad: t.Flags&pkcs11.CKF_PROTECTED_AUTHENTICATION_PATH != 0, Tries: tries(t.Flags),
		})
	}
	return out, nil
}

// trim undoes the padding of fixed fields.
func trim(s string) string { return strings.TrimRight(s, " \x00") }

// tries is how many tries of the PIN are left, as far as the flags say.
func tries(flags uint) int {
	switch {
	case flags&pkcs11.CKF_USER_PIN_LOCKED != 0:
		return 0
	case flags&pkcs11.CKF_USER_PIN_FINAL_TRY != 0:
		return 1
	}
	return -1
}

// find returns the slot of the token that a request means. Two that are alike
// are none: which one was meant is not guessed.
func (l *library) find(label, serial string) (uint, error) {
	slots, err := l.p.GetSlotList(true)
	if err != nil {
		return 0, err
	}
	var found []uint
	for _, s := range slots {
		t, err := l.p.GetTokenInfo(s)
		if err == nil && trim(t.Label) == label && (serial == "" || trim(t.SerialNumber) == serial) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, &Fault{Code: "token.gone", Text: "the token is not there", Tries: -1}
	}
	return 0, &Fault{Code: "request", Text: "several tokens have this label: name the serial number, too", Tries: -1}
}

// session returns what is open with the token in slot, or opens it.
func (l *library) session(slot uint) (*session, error) {
	if s := l.open[slot]; s != nil {
		if _, err := l.p.GetSessionInfo(s.h); err == nil {
			return s, nil
		}
		l.forget(slot) // another token may be there now
	}
	h, err := l.p.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
	if err != nil {
		return nil, err
	}
	l.open[slot] = &session{h: h}
	return l.open[slot], nil
}

// forget logs out and closes what is open with the token in slot.
func (l *library) forget(slot uint) {
	s := l.open[slot]
	if s == nil {
		return
	}
	delete(l.open, slot)
	clear(s.pin)
	if s.logged {
		_ = l.p.Logout(s.h) // the token may be gone
	}
	_ = l.p.CloseSession(s.h)
}

// login always has the token see the PIN: one that is logged in already would
// say yes to any.
func (l *library) login(slot uint, pin []byte) error {
	l.forget(slot)
	s, err := l.session(slot)
	if err != nil {
		return err
	}
	if err := l.p.Login(s.h, pkcs11.CKU_USER, string(pin)); err != nil {
		f := explain(err)
		if t, terr := l.p.GetTokenInfo(slot); terr == nil && (f.Code == "pin.wrong" || f.Code == "pin.locked") {
			if f.Tries = tries(t.Flags); f.Tries == 0 {
				f.Code = "pin.locked"
			}
		}
		return f
	}
	s.logged, s.pin = true, bytes.Clone(pin)
	return nil
}

func (l *library) objects(h pkcs11.SessionHandle, template ...*pkcs11.Attribute) ([]pkcs11.ObjectHandle, error) {
	if err := l.p.FindObjectsInit(h, template); err != nil {
		return nil, err
	}
	found, _, err := l.p.FindObjects(h, 64)
	if end := l.p.FindObjectsFinal(h); err == nil {
		err = end
	}
	return found, err
}

func (l *library) certs(slot uint) ([]Cert, error) {
	s, err := l.session(slot)
	if err != nil {
		return nil, err
	}
	found, err := l.objects(s.h,
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_CERTIFICATE),
		pkcs11.NewAttribute(pkcs11.CKA_CERTIFICATE_TYPE, pkcs11.CKC_X_509))
	if err != nil {
		return nil, err
	}
	var out []Cert
	for _, o := range found {
		a, err := l.p.GetAttributeValue(s.h, o, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_ID, nil), pkcs11.NewAttribute(pkcs11.CKA_LABEL, nil), pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil),
		})
		if err != nil {
			return nil, err
		}
		out = append(out, Cert{ID: a[0].Value, Label: string(a[1].Value), DER: a[2].Value})
	}
	return out, nil
}
