package uplink

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// noSink takes nothing.
type noSink struct{}

func (noSink) Catalogue([]byte) error           { return ErrUnacceptable }
func (noSink) Trust([]byte) error               { return ErrUnacceptable }
func (noSink) Witness(*journal.Head) error      { return nil }
func (noSink) Contradicted(*journal.Head) error { return nil }
func (noSink) Beacon([]byte, time.Time) error   { return nil }
func (noSink) RevokedSeals([]byte) error        { return ErrUnacceptable }
func (noSink) Settings([]byte) error            { return ErrUnacceptable }

func config(t testing.TB, w *specimen.World, o *outbox.Outbox) Config {
	t.Helper()
	return Config{
		URL: "wss://portal.specimen/sync", Outbox: o, Trust: w.Trust, Sink: noSink{},
		Signer: w.Device.Signing.Signer,
		TLS:    &tls.Config{RootCAs: w.Pool(), Certificates: []tls.Certificate{w.Device.TLS.TLS()}},
	}
}

// TestBackoff counts attempts against a network that is down for six hours: the
// waits are random, so the bounds are wide, but never longer than MaxBackoff.
func TestBackoff(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o := outboxtest.Open(t) // outside: its writer is no part of the bubble
	synctest.Test(t, func(t *testing.T) {
		c := config(t, w, o)
		var at []time.Time
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			at = append(at, time.Now())
			return nil, errors.New("no network")
		}
		u, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Hour)
		defer cancel()
		if err := u.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if n := len(at); n < 1000 || n > 2200 { // half of 30 s on average: 1440
			t.Errorf("attempts in six hours = %d, want about 1440", n)
		}
		differ := map[time.Duration]bool{}
		for i := 1; i < len(at); i++ {
			d := at[i].Sub(at[i-1])
			if d > 30*time.Second {
				t.Errorf("wait %d = %s, want at most 30 s", i, d)
			}
			differ[d] = true
		}
		if len(differ) < len(at)/2 {
			t.Errorf("%d waits have %d lengths: they are not random", len(at), len(differ))
		}
		if s := u.Status(); s.LastError != CodeUnreachable || s.Connected || s.Attempts != len(at) {
			t.Errorf("Status = %+v, want unreachable after %d attempts", s, len(at))
		}
	})
}

// TestCodes tells errors apart.
// TestAway: what the portal asks for is kept to, but no number takes a kiosk out
// of service for good.
func TestAway(t *testing.T) {
	for ask, most := range map[time.Duration]time.Duration{time.Minute: 75 * time.Second, 1 << 40 * time.Microsecond: 30 * time.Hour} {
		if got := away(ask, jitter); got < min(ask, mostRetry) || got > most {
			t.Errorf("away(%v): got %v, want at most %v", ask, got, most)
		}
	}
}

func TestCodes(t *testing.T) {
	for code, errs := range map[string][]error{
		"":                    {nil},
		CodeUnreachable:       {io.ErrUnexpectedEOF, &net.OpError{Op: "dial", Err: errors.New("refused")}},
		CodePortalCertificate: {&tls.CertificateVerificationError{Err: errors.New("x")}, x509.HostnameError{Certificate: new(x509.Certificate), Host: "x"}},
		CodeKioskCertificate:  {socket.ErrForbidden, &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}},
		CodeProtocol:          {wire.ErrFormat, wire.ErrValue},
		CodeSilent:            {wire.ErrSilent},
		CodeBusy:              {&coded{CodeBusy, io.EOF}},
	} {
		for _, err := range errs {
			wrapped := err
			if err != nil {
				wrapped = fmt.Errorf("outside: %w", err)
			}
			if got := Code(wrapped); got != code {
				t.Errorf("Code(%v) = %q, want %q", wrapped, got, code)
			}
		}
	}
}

// TestNumbers holds that wire and outbox mean the same by their numbers.
func TestNumbers(t *testing.T) {
	for s, n := range map[outbox.State]uint8{
		outbox.Delivered: wire.StageDelivered, outbox.Registered: wire.StageRegistered, outbox.Refused: wire.StageRefused,
		outbox.Answered: wire.StageAnswered, outbox.Returned: wire.StageReturned,
	} {
		if uint8(s) != n {
			t.Errorf("%s is %d in the outbox and %d on the wire", s, uint8(s), n)
		}
	}
	if outbox.MaxInline > wire.MaxSealed || outbox.MaxSealed > wire.MaxLarge || outbox.MaxItem >= wire.MaxMessage {
		t.Error("the outbox keeps what the wire cannot carry")
	}
}

// TestFrames puts records of two epochs into frames.
func TestFrames(t *testing.T) {
	rec := func(e byte, seq uint64) outbox.Record {
		return outbox.Record{Request: outbox.Request{Epoch: [16]byte{e}, Seq: seq, Doc: [32]byte{e, byte(seq)}, Service: "s", Lang: "tk", Claimed: time.Unix(1, 0)}, Sealed: []byte{1}}
	}
	fs := frames([]outbox.Record{rec(1, 9), rec(2, 1), rec(1, 3)})
	if len(fs) != 2 || fs[0].Records[0].Seq != 3 || fs[0].Records[1].Seq != 9 || fs[1].Epoch[0] != 2 {
		t.Errorf("frames = %+v, want two, in order", fs)
	}
	for _, f := range fs {
		if _, err := wire.Marshal(f); err != nil {
			t.Errorf("Marshal = %v", err)
		}
	}
}

func TestNew(t *testing.T) {
	w, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o := outboxtest.Open(t)
	for name, spoil := range map[string]func(*Config){
		"no address":       func(c *Config) { c.URL = "" },
		"no certificate":   func(c *Config) { c.TLS.Certificates = nil },
		"a citizen's":      func(c *Config) { c.TLS.Certificates = []tls.Certificate{w.Cards[0].Slots[specimen.SlotAuth].TLS()} },
		"no signer":        func(c *Config) { c.Signer = func() cms.Signer { return cms.Signer{Cert: w.Device.Signing.Cert} } },
		"another's signer": func(c *Config) { c.Signer = w.PortalReceipt.Signer },
	} {
		c := config(t, w, o)
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("New with %s = nil, want an error", name)
		}
	}
	if _, err := New(config(t, w, o)); err != nil {
		t.Errorf("New = %v, want nil", err)
	}
}
