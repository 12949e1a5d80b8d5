package main

import (
	"errors"

	"github.com/miekg/pkcs11"
)

// private returns the private key id. Most tokens show it after a login only.
func (l *library) private(slot uint, id []byte) (*session, pkcs11.ObjectHandle, error) {
	s, err := l.session(slot)
	if err != nil {
		return nil, 0, err
	}
	found, err := l.objects(s.h,
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	switch {
	case err != nil:
		return nil, 0, err
	case len(found) == 0 && !s.logged:
		return nil, 0, &Fault{Code: "login.needed", Text: "the token shows its keys after a login", Tries: -1}
	case len(found) == 0:
		return nil, 0, &Fault{Code: "key.none", Text: "the token has no such key", Tries: -1}
	}
	return s, found[0], nil
}

// public says which key id is, as far as the token tells. The one who asks knows
// the certificate.
func (l *library) public(slot uint, id []byte, a *Answer) error {
	s, key, err := l.private(slot, id)
	if err != nil {
		return err
	}
	pub, err := l.objects(s.h,
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY), pkcs11.NewAttribute(pkcs11.CKA_ID, id))
	if err != nil {
		return err
	}
	for _, o := range append(pub, key) {
		if v, err := l.p.GetAttributeValue(s.h, o, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil)}); err == nil && len(v[0].Value) > 0 {
			a.Point = v[0].Value
			return nil
		}
		if v, err := l.p.GetAttributeValue(s.h, o, []*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_MODULUS, nil), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, nil),
		}); err == nil && len(v[0].Value) > 0 {
			a.Modulus, a.Exponent = v[0].Value, v[1].Value
			return nil
		}
	}
	return nil
}

// again gives the PIN once more to a key that wants it for each use.
func (l *library) again(s *session, key pkcs11.ObjectHandle) error {
	a, err := l.p.GetAttributeValue(s.h, key, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_ALWAYS_AUTHENTICATE, nil)})
	if err != nil || len(a[0].Value) == 0 || a[0].Value[0] == 0 {
		return nil // it does not want it, or does not know of this
	}
	if s.pin == nil {
		return &Fault{Code: "login.needed", Text: "the key wants the PIN for each use", Tries: -1}
	}
	err = l.p.Login(s.h, pkcs11.CKU_CONTEXT_SPECIFIC, string(s.pin))
	clear(s.pin)
	s.pin = nil
	if errors.Is(err, pkcs11.Error(pkcs11.CKR_USER_ALREADY_LOGGED_IN)) {
		return nil
	}
	return err
}

func (l *library) sign(slot uint, q Request) ([]byte, error) {
	m, err := mechanism(q)
	if err != nil {
		return nil, err
	}
	s, key, err := l.private(slot, q.Key)
	if err != nil {
		return nil, err
	}
	if err := l.p.SignInit(s.h, []*pkcs11.Mechanism{m}, key); err != nil {
		return nil, err
	}
	if err := l.again(s, key); err != nil {
		l.forget(slot) // an operation is begun that cannot be ended
		return nil, err
	}
	return l.p.Sign(s.h, q.Data)
}

func mechanism(q Request) (*pkcs11.Mechanism, error) {
	switch q.Mechanism {
	case "ECDSA":
		return pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil), nil
	case "RSA_PKCS":
		return pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS, nil), nil
	case "RSA_PSS":
		for _, h := range []struct {
			name           string
			hash, mgf, len uint
		}{
			{"SHA-256", pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, 32},
			{"SHA-384", pkcs11.CKM_SHA384, pkcs11.CKG_MGF1_SHA384, 48},
			{"SHA-512", pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512, 64},
		} {
			if h.name == q.Hash {
				return pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_PSS, pkcs11.NewPSSParams(h.hash, h.mgf, h.len)), nil
			}
		}
	}
	return nil, &Fault{Code: "unsupported", Text: "no such way of signing is known", Tries: -1}
}

// derive is ECDH with a point: it returns the x coordinate of what both share.
func (l *library) derive(slot uint, q Request) ([]byte, error) {
	s, key, err := l.private(slot, q.Key)
	if err != nil {
		return nil, err
	}
	m := pkcs11.NewMechanism(pkcs11.CKM_ECDH1_DERIVE, pkcs11.NewECDH1DeriveParams(pkcs11.CKD_NULL, nil, q.Data))
	shared, err := l.p.DeriveKey(s.h, []*pkcs11.Mechanism{m}, key, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, (len(q.Data)-1)/2),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.p.DestroyObject(s.h, shared) }() // it ends with the session at the latest
	v, err := l.p.GetAttributeValue(s.h, shared, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil)})
	if err != nil {
		return nil, err
	}
	return v[0].Value, nil
}

// explain returns err as the answer says it; nil for nil.
func explain(err error) *Fault {
	if err == nil {
		return nil
	}
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	var rv pkcs11.Error
	if !errors.As(err, &rv) {
		return &Fault{Code: "failed", Text: err.Error(), Tries: -1}
	}
	f = &Fault{Code: "failed", RV: uint(rv), Text: rv.Error(), Tries: -1}
	switch rv {
	case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE:
		f.Code = "pin.wrong"
	case pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED:
		f.Code, f.Tries = "pin.locked", 0
	case pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_DEVICE_ERROR,
		pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SLOT_ID_INVALID:
		f.Code = "token.gone"
	case pkcs11.CKR_USER_NOT_LOGGED_IN:
		f.Code = "login.needed"
	case pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID, pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_FUNCTION_NOT_SUPPORTED:
		f.Code = "unsupported"
	}
	return f
}
