package enrol

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/penjire/penjire/firmware/signing/tpm"
	"github.com/penjire/penjire/sync/enrol"
)

// Errors of a try that nothing was asked for yet.
var (
	errNoCode = errors.New("enrol: there is no one-time code yet: it is typed, or comes with the set-up")
	errStick  = errors.New("enrol: there is no network: the request has to be carried to the portal on a memory stick")
)

// lacks puts an error into what a person can do about it.
func lacks(err error) (word, refusal, fault string) {
	fault = err.Error()
	if no, ok := errors.AsType[*enrol.Refusal](err); ok {
		if no == enrol.Busy {
			return LacksPortal, no.Code, fault
		}
		return LacksCode, no.Code, fault
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok || errors.Is(err, ErrAnswer) {
		return LacksTrust, "", fault
	}
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return LacksRoom, "", fault
	}
	for is, word := range map[error]string{
		errNoCode: LacksCode, errStick: LacksStick, tpm.ErrGone: LacksChip, tpm.ErrStalled: LacksChip, tpm.ErrLockout: LacksChip,
	} {
		if errors.Is(err, is) {
			return word, "", fault
		}
	}
	return LacksPortal, "", fault
}

// try goes on where enrolment stands. least is how long the portal asks to wait.
func (e *Enroller) try(ctx context.Context) (least time.Duration, err error) {
	e.one.Lock()
	defer e.one.Unlock()
	e.set(func(s *Status) { s.Step = StepKeys })
	k, err := e.openKeys(ctx)
	if err != nil {
		return 0, err
	}
	s := e.current()
	e.set(func(st *Status) { st.Step = StepCertificate })
	lackIdentity, lackSigning := !e.has(identityCert, useIdentity, k.identity.Public()), !e.has(signingCert, useSigning, k.signing.Public())
	if lackIdentity || lackSigning || !e.knows() {
		switch {
		case s.Portal.EST == "":
			return 0, errStick
		case s.Code.IsZero() && (lackIdentity || lackSigning):
			return 0, cmp.Or(e.refused, errNoCode)
		}
	}
	c, err := e.client(s)
	if err != nil {
		return 0, err
	}
	for _, w := range []struct {
		lack bool
		file string
		want want
	}{
		{lackIdentity, identityCert, want{use: useIdentity, path: "simpleenroll", key: k.identity}},
		{lackSigning, signingCert, want{use: useSigning, path: "signing/simpleenroll", key: k.signing}},
	} {
		if !w.lack {
			continue
		}
		if w.want.csr, err = enrol.NewRequest(w.want.key, s.Kiosk, k.software); err != nil {
			return 0, err
		}
		chain, err := c.certificate(ctx, w.want, s.Kiosk, s.Code.Reveal(), e.roots)
		if err != nil {
			e.forget(err)
			return c.retry, err
		}
		if err := e.keepCert(w.file, chain); err != nil {
			return 0, err
		}
		e.o.Log.Info("a certificate came", "use", w.want.use, "until", chain[0].NotAfter)
	}
	if !e.knows() {
		e.set(func(st *Status) { st.Step = StepKnowledge })
		know, err := c.knowledge(ctx)
		if err != nil {
			return c.retry, err
		}
		if err := e.keepKnowledge(know); err != nil {
			return 0, err
		}
	}
	return 0, e.finish(k)
}

// client is one that knows the portal of the set-up.
func (e *Enroller) client(s Setup) (*client, error) {
	return newClient(s.Portal.EST, s.Portal.ServerName, e.roots, nil, func(leaf *x509.Certificate) []time.Time {
		return times(leaf, e.o.Now(), e.o.Built)
	}, nil)
}

// knows reports whether trust bundle and catalogue are there: they were checked
// before they were kept.
func (e *Enroller) knows() bool {
	for _, name := range []string{TrustFile, CatalogueFile} {
		if _, err := os.Stat(filepath.Join(e.o.Dir, name)); err != nil {
			return false
		}
	}
	return true
}

// finish makes the settings, and with them the kiosk, whole. The code goes after
// that: it has done its work.
func (e *Enroller) finish(k *keys) error {
	s := e.current()
	if err := keep(e.o.Dir, RootsFile, certsPEM(e.anchors)); err != nil {
		return err
	}
	b, err := s.compose(e.o.Board, k.pairs)
	if err != nil {
		return err
	}
	if err := keep(e.o.Dir, SettingsFile, b); err != nil {
		return err
	}
	s.Code, s.Network.Password, s.Network.PIN = enrol.Code{}, Hidden{}, Hidden{}
	if err := e.keepSetup(s); err != nil {
		e.o.Log.Warn("the used code stays in the set-up", "err", err) // it opens nothing any more
	}
	e.set(func(st *Status) { *st = Status{Kiosk: s.Kiosk, Step: StepDone} })
	e.o.Log.Info("enrolled", "kiosk", s.Kiosk)
	return nil
}
