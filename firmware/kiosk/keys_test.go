package kiosk

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/penjire/penjire/firmware/health"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/firmware/signing"
	"github.com/penjire/penjire/firmware/signing/tpm"
	"github.com/penjire/penjire/firmware/signing/tpmtest"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/ui/screen"
)

// withTPM puts both keys of the rig's kiosk into a TPM.
func (r *rig) withTPM() (*tpmtest.TPM, settings.Settings) {
	r.t.Helper()
	chip := tpmtest.Start(r.t)
	at := tpm.At(chip.Socket)
	own, err := at.Create(r.t.Context(), 0x81504B01)
	r.must(err)
	ident, err := at.Create(r.t.Context(), 0x81504B02)
	r.must(err)
	d, err := r.w.CertifyDevice("K-000001", own.Public(), ident.Public())
	r.must(err)
	for name, b := range map[string][]byte{"doc.crt": d.Signing.CertPEM(), "tls.crt": d.TLS.CertPEM(), "trust": r.w.Bundle()} {
		r.must(os.WriteFile(filepath.Join(r.dir, name), b, 0o600))
	}
	s := r.settings()
	s.Signing = settings.Pair{Cert: s.Signing.Cert, TPM: settings.TPM{Device: chip.Socket, Handle: 0x81504B01}}
	s.Identity = settings.Pair{Cert: s.Identity.Cert, TPM: settings.TPM{Device: chip.Socket, Handle: 0x81504B02}}
	s.Counter = settings.Counter{Device: chip.Socket, Index: 0x01804B01}
	return chip, s
}

// toCheck is a visit for a service without a card, which the kiosk signs, up to
// «check your answers».
func (r *rig) toCheck() {
	r.t.Helper()
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "complaint")
	r.do("begin")
	r.rules()
	r.fill()
}

// A kiosk whose keys are in a TPM signs with it, reaches the portal with it, and
// counts its journal's heads with it. When the TPM is gone it says so, still
// shows its services, and takes no request; and it goes on when it is back.
func TestKeysInTPM(t *testing.T) {
	r := newRig(t)
	chip, s := r.withTPM()
	r.online(nil)
	r.startWith(s)
	for _, key := range r.state().Keys {
		if key.Kind != string(signing.InTPM) || !key.Marked || key.Fault != "" {
			t.Errorf("key %s: got %+v, want one in a TPM that works", key.Use, key)
		}
	}
	r.toCheck()
	r.do("confirm")
	r.on(screen.Done)
	r.stage(outbox.Registered)
	counter := tpm.At(chip.Socket).Counter(s.Counter.Index)
	r.until("a head of the journal to be counted", func() bool {
		n, err := counter.Read(r.live)
		return err == nil && n > 0
	})
	r.leave()

	chip.Kill()
	r.k.doubt()
	r.until("the missing key to be noticed", func() bool { return r.k.health.Holds(health.NoKey) })
	if st := r.state(); st.Keys[0].Fault == "" {
		t.Error("the status does not say why the key does not work")
	}
	if got := r.k.Start(r.live).Start.Notice; got != "notice.key" {
		t.Errorf("notice of the start page: got %q, want notice.key", got)
	}
	r.begin("tk")
	r.do("apply")
	r.do("choose", "service", "complaint")
	if v := r.on(screen.Service); v.Service.Blocked != "blocked.key" {
		t.Errorf("the service without a key: blocked is %q, want blocked.key", v.Service.Blocked)
	}
	r.leave()

	chip.Run()
	r.k.doubt()
	r.until("the key to be back", func() bool { return !r.k.health.Holds(health.NoKey) })
	r.toCheck()
	r.do("confirm")
	r.on(screen.Done)
}

// A kiosk that starts without its TPM starts.
func TestStartWithoutTPM(t *testing.T) {
	r := newRig(t)
	chip, s := r.withTPM()
	chip.Exchange() // another TPM: the board was changed
	r.startWith(s)
	if !r.k.health.Holds(health.NoKey) || !r.k.health.Holds(health.NoIdentity) {
		t.Error("a kiosk whose keys are in another TPM says that they work")
	}
	r.begin("ru")
	r.do("apply")
	r.on(screen.Services)
}
