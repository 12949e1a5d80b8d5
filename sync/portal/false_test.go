package portal

import (
	"testing"

	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// forged returns the receipt that a portal would give, after f changed it: with
// document and digest in it, or as a slip.
func forged(named bool, f func(*wire.Receipt)) func(*world, *kiosk, [16]byte, wire.Record) wire.Frame {
	return func(w *world, k *kiosk, e [16]byte, r wire.Record) wire.Frame {
		rec, err := wire.ParseReceipt(w.durable(k, e, r), w.Trust().Portals)
		if err != nil {
			w.t.Error(err)
		}
		f(&rec)
		b, err := wire.SignReceipt(rec, w.PortalReceipt.Key, w.PortalReceipt.Cert)
		if err != nil {
			w.t.Error(err)
		}
		gs, err := wire.Groups([][]byte{b}, nil, e, named)
		if err != nil {
			w.t.Error(err)
		}
		return &wire.Receipts{Groups: gs}
	}
}

// TestFalseReceipts has a portal answer with receipts that are not worth
// anything: the kiosk keeps what it has.
func TestFalseReceipts(t *testing.T) {
	for name, forge := range map[string]func(w *world, k *kiosk, e [16]byte, r wire.Record) wire.Frame{
		"garbage": func(_ *world, _ *kiosk, _ [16]byte, r wire.Record) wire.Frame {
			return &wire.Receipts{Groups: []wire.Group{{Batch: []byte("thanks"), Slips: []wire.Slip{{Seq: r.Seq}}}}}
		},
		"another signer": func(w *world, k *kiosk, e [16]byte, r wire.Record) wire.Frame {
			real := w.PortalReceipt
			defer func() { w.PortalReceipt = real }()
			w.PortalReceipt = w.Register
			return grouped(w.t, e, w.durable(k, e, r))
		},
		"another batch": func(w *world, k *kiosk, e [16]byte, r wire.Record) wire.Frame {
			f := grouped(w.t, e, w.durable(k, e, r))
			r.Seq++
			f.Groups[0].Batch = grouped(w.t, e, w.durable(k, e, r)).Groups[0].Batch
			return f
		},
		"another digest":               forged(true, func(r *wire.Receipt) { r.Digest = [32]byte{1} }),
		"another digest in a slip":     forged(false, func(r *wire.Receipt) { r.Digest = [32]byte{1} }),
		"another number":               forged(true, func(r *wire.Receipt) { r.Seq++ }),
		"another number in a slip":     forged(false, func(r *wire.Receipt) { r.Seq++ }),
		"another document":             forged(true, func(r *wire.Receipt) { r.Doc = [32]byte{1} }),
		"another kiosk's":              forged(true, func(r *wire.Receipt) { r.Kiosk = "K-000002" }),
		"another kiosk's in a slip":    forged(false, func(r *wire.Receipt) { r.Kiosk = "K-000002" }),
		"another life's":               forged(false, func(r *wire.Receipt) { r.Epoch = [16]byte{1} }),
		"decided where durable is due": forged(true, func(r *wire.Receipt) { r.Level, r.Stage = wire.Decided, wire.StageRegistered }),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			k := w.kiosk()
			doc := k.one("citizen-1")
			refused := make(chan struct{}, 100)
			url, stop := w.fakePortal(t, func(_ *socket.Conn, f wire.Frame) wire.Frame {
				rs := f.(*wire.Records)
				select {
				case refused <- struct{}{}:
				default:
				}
				return forge(w, k, rs.Epoch, rs.Records[0])
			})
			defer stop()
			c := k.uplinkConfig()
			c.URL = url
			u, end := k.run(c)
			<-refused
			<-refused // it came back with the same
			end()
			r, err := k.o.Get(t.Context(), doc.ID())
			if err != nil || r.State != outbox.Sending || r.Receipted() {
				t.Errorf("the request is %s, receipted %t, want still sending", r.State, r.Receipted())
			}
			if s := u.Status(); s.Refused != "receipt.invalid" {
				t.Errorf("status = %q, want receipt.invalid", s.Refused)
			}
			k.run(k.uplinkConfig())
			k.untilState(doc.ID(), outbox.Registered)
		})
	}
}
