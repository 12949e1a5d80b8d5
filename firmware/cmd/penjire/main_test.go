package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/penjire/penjire/firmware/kiosk"
	"github.com/penjire/penjire/firmware/settings"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/wire"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"penjire": main})
}

// TestScripts runs testdata/script. Each script finds:
//
//	check/               trust.cbor and roots.pem of a specimen world
//	good.asice           a request signed by a specimen card
//	suspended.asice      one signed by a card that was suspended before
//	foreign.asice        one signed by a card of an unknown centre
//	changed.asice        good.asice with one byte changed
//	many.asice           good.asice stamped, signed by the kiosk too, counter-signed by the portal, B-LT
//	seal.txt, $SEAL      a receipt's seal
//	packet, packet.age   an answer with the seal of its copy; sealed to $CODE
//	packet.mixed         the same with the seal of another answer
//	$COPY                the seal of packet's copy
//	$PART                a copy's seal that has 1 of 2 facts
//	revoked/             check/ with a list that revokes $COPY
//	revoked.foreign      such a list by a portal that nobody here knows
//	other.zip            a zip that is no container
//	stranger.pem         a root that signed nothing here
//	stopped/             a kiosk that does not run, with three requests and a mirror
//	receipted/           one with three requests and the portal's receipts: DECIDED and DURABLE, DURABLE, none
//	$SOCKET              the control socket of a running kiosk with two slots, in which nothing is ever installed
//	releases/            releases for it: new, older, foreign, half, rpi4
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			w, err := specimen.New(time.Now())
			if err != nil {
				return err
			}
			f := fixture{t: t, dir: e.WorkDir, w: w}
			f.write("check/trust.cbor", w.Bundle())
			f.write("check/roots.pem", w.RootPEM())
			good := f.sign("citizen-1")
			f.write("good.asice", good)
			f.write("suspended.asice", f.sign("suspended"))
			f.write("foreign.asice", f.sign("foreign"))
			changed := append([]byte(nil), good...)
			changed[len(changed)/2] ^= 1
			f.write("changed.asice", changed)
			s, err := seal.Make(seal.Seal{
				Kind: seal.Receipt, Issuer: "K-000001", Service: "complaint", Doc: make([]byte, 32), Date: w.Made.UTC().Truncate(time.Second),
				Index: 4, Size: 5, Root: make([]byte, 8),
			}, w.Device.Signing.Key, w.Device.Signing.Cert)
			f.keep(err)
			if f.err != nil {
				return f.err
			}
			f.write("seal.txt", []byte(s.URL("https://portal.specimen")+"\n"))
			e.Setenv("SEAL", s.URL("https://portal.specimen"))
			f.many(good)
			f.answers(e)
			f.others()
			f.keep(f.kiosk(e))
			return f.err
		},
	})
}

type fixture struct {
	t   testing.TB
	dir string
	w   *specimen.World
	err error
}

func (f *fixture) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}

func (f *fixture) write(name string, b []byte) {
	path := filepath.Join(f.dir, name)
	f.keep(os.MkdirAll(filepath.Dir(path), 0o700))
	f.keep(os.WriteFile(path, b, 0o600))
}

// sign makes a request of the card's holder.
func (f *fixture) sign(card string) []byte {
	c, ok := f.w.Card(card)
	if !ok {
		f.keep(fmt.Errorf("there is no card %q", card))
		return nil
	}
	made := f.w.Made.UTC().Truncate(time.Second)
	d := &edoc.Document{
		Kind: edoc.KindRequest, Name: "Specimen", Heading: "Specimen", Lang: "tk", Made: made, Kiosk: "K-000001", Pages: 1,
		Service: "residence-certificate", ServiceVersion: 1, Regulation: "specimen",
		Sender:    edoc.Party{ID: c.Holder.ID, Surname: c.Holder.Surname, Name: c.Holder.Name, Patronymic: c.Holder.Patronymic},
		Addressee: edoc.Party{Organisation: "civil-registry"},
		Answers:   citizen.NewAnswers(map[string]string{"purpose": "work"}), AnswerSecret: edoc.NewSecret(),
	}
	out, err := edoc.Sign(d, c.Slots[specimen.SlotSign].Signer(), made)
	f.keep(err)
	if err != nil {
		return nil
	}
	return out.Bytes()
}

// many raises a container and adds signatures to it.
func (f *fixture) many(good []byte) {
	at := f.w.Made.UTC().Truncate(time.Second)
	tsa, err := tsp.NewAuthority(f.w.TSA.Signer(), func() time.Time { return at })
	f.keep(err)
	c, err := edoc.Parse(good)
	f.keep(err)
	for _, step := range []func() (*edoc.Container, error){
		func() (*edoc.Container, error) { return c.Stamp(context.Background(), tsa) },
		func() (*edoc.Container, error) { return c.Cosign(f.w.Device.Signing.Signer(), at) },
		func() (*edoc.Container, error) { return c.CounterSign(0, f.w.PortalReceipt.Signer(), at) },
		func() (*edoc.Container, error) { return c.Complete(f.w.Trust()) },
	} {
		if f.err != nil {
			return
		}
		c, err = step()
		f.keep(err)
	}
	if f.err == nil {
		f.write("many.asice", c.Bytes())
	}
}

// answers makes the packets.
func (f *fixture) answers(e *testscript.Env) {
	by, made := f.w.Agencies["civil-registry"], f.w.Made.UTC().Truncate(time.Second)
	request, err := edoc.Parse(f.sign("citizen-1"))
	f.keep(err)
	if f.err != nil {
		return
	}
	id := request.ID()
	answer := func(number string) envelope.Packet {
		c, err := edoc.Sign(&edoc.Document{
			Kind: edoc.KindAnswer, Name: "Specimen", Heading: "Specimen", Lang: "tk", Made: made, Pages: 1,
			Service: "residence-certificate", ServiceVersion: 1, Regulation: "specimen",
			Sender: edoc.Party{Organisation: "Civil registry"}, Addressee: request.Document().Sender,
			Request: &id, Decision: edoc.Answered, Facts: []edoc.FactValue{{Name: "number", Value: citizen.NewText(number)}},
		}, by.Signer(), made)
		f.keep(err)
		if err != nil {
			return envelope.Packet{}
		}
		doc := c.ID()
		s, err := seal.Make(seal.Seal{
			Kind: seal.Copy, Issuer: "civil-registry", Service: "residence-certificate", Doc: doc[:], Date: made,
			Subject: "A. N.", Facts: [][2]string{{"number", number}},
		}, by.Key, by.Cert)
		f.keep(err)
		if err != nil {
			return envelope.Packet{}
		}
		return envelope.Packet{Container: c.Bytes(), Seal: s.Bytes()}
	}
	write := func(name string, p envelope.Packet) []byte {
		b, err := p.Marshal()
		f.keep(err)
		f.write(name, b)
		return b
	}
	one, other := answer("YH-417"), answer("YH-418")
	if f.err != nil {
		return
	}
	plain := write("packet", one)
	f.seals(e, one)
	write("packet.mixed", envelope.Packet{Container: one.Container, Seal: other.Seal})
	sealed, err := envelope.SealForCode(plain, request.Code())
	f.keep(err)
	f.write("packet.age", sealed)
	e.Setenv("CODE", edoc.FormatCode(request.Code()))
}

// others makes what is no e-document, and a root that is not ours.
// seals writes what is about the seals of copies.
func (f *fixture) seals(e *testscript.Env, answer envelope.Packet) {
	s, err := seal.ParseBytes(answer.Seal)
	f.keep(err)
	stranger, err2 := specimen.New(f.w.Made)
	f.keep(err2)
	if f.err != nil {
		return
	}
	e.Setenv("COPY", s.URL("https://portal.specimen"))
	list := trust.RevokedSeals{Version: 3, Issued: f.w.Made.UTC().Truncate(time.Second), IDs: [][16]byte{s.ID()}}
	for name, by := range map[string]*specimen.World{"revoked/revoked-seals.signed": f.w, "revoked.foreign": stranger} {
		b, err := list.Sign(by.PortalReceipt.Signer())
		f.keep(err)
		f.write(name, b)
	}
	f.write("revoked/trust.cbor", f.w.Bundle())
	f.write("revoked/roots.pem", f.w.RootPEM())
	x := s.Seal
	x.Total = 2
	by := f.w.Agencies["civil-registry"]
	p, err := seal.Make(x, by.Key, by.Cert)
	f.keep(err)
	if err == nil {
		e.Setenv("PART", p.URL("https://portal.specimen"))
	}
}

func (f *fixture) others() {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("letter.txt")
	f.keep(err)
	if err == nil {
		_, err = w.Write([]byte("a letter"))
		f.keep(err)
	}
	f.keep(z.Close())
	f.write("other.zip", b.Bytes())
	stranger, err := specimen.New(f.w.Made)
	f.keep(err)
	if err == nil {
		f.write("stranger.pem", stranger.RootPEM())
	}
}

// kiosk starts a kiosk without devices or network, for status.
func (f *fixture) kiosk(e *testscript.Env) error {
	cat, err := packs.Catalogue(1)
	if err != nil {
		return err
	}
	payload, err := cat.Marshal()
	if err != nil {
		return err
	}
	signed, err := trust.SignObjectAt(trust.KindCatalogue, payload, f.w.Register.Signer(), f.w.Made)
	if err != nil {
		return err
	}
	f.write("kiosk/catalogue", signed)
	f.write("kiosk/tls.crt", f.w.Device.TLS.CertPEM())
	f.write("kiosk/tls.key", f.w.Device.TLS.KeyPEM())
	f.write("kiosk/doc.crt", f.w.Device.Signing.CertPEM())
	f.write("kiosk/doc.key", f.w.Device.Signing.KeyPEM())
	sock, err := os.MkdirTemp("", "pk")
	if err != nil {
		return err
	}
	e.Defer(func() { _ = os.RemoveAll(sock) })
	socket := filepath.Join(sock, "c")
	e.Setenv("SOCKET", socket)
	conf := `{
		"kiosk": "K-000001", "board": "bench", "ports": "ports", "state": "state", "listen": "127.0.0.1:0", "control": "` + socket + `",
		"portal": {"url": "wss://127.0.0.1:1/sync", "server_name": "portal.specimen"},
		"identity": {"cert": "tls.crt", "key": "tls.key"}, "signing": {"cert": "doc.crt", "key": "doc.key"},
		"roots": "../check/roots.pem", "trust": "../check/trust.cbor", "catalogue": "catalogue"
	}`
	f.write("kiosk/settings.json", []byte(conf))
	f.stopped(conf)
	f.receipted(conf)
	s, err := settings.Load(filepath.Join(f.dir, "kiosk/settings.json"))
	if err != nil {
		return err
	}
	k, err := kiosk.Open(context.Background(), kiosk.Options{Settings: s, Version: "test", Boot: "boot", Updates: f.updates()})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	e.Defer(func() {
		stop()
		if err := <-done; err != nil {
			e.T().Fatal("Run of the kiosk = ", err)
		}
	})
	return settled(ctx, k)
}

// settled waits until the kiosk has looked for its devices and its portal in
// vain: until then it rightly says «unknown».
func settled(ctx context.Context, k *kiosk.Kiosk) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/state", nil)
	if err != nil {
		return err
	}
	changes := k.Changes(ctx)
	for {
		said := map[string]bool{}
		for _, h := range k.State(r).Health {
			said[h.Code] = true
		}
		if said["reader.gone"] && said["printer.gone"] {
			return nil
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return fmt.Errorf("wait for the kiosk to miss its devices: %w; it says %v", ctx.Err(), said)
		}
	}
}

// stopped makes a kiosk that was stopped: three requests, one withdrawn, a mirror.
func (f *fixture) stopped(conf string) {
	mirror := filepath.Join(f.dir, "stopped", "mirror")
	f.keep(os.MkdirAll(mirror, 0o700))
	f.shut("stopped", regexp.MustCompile(`"control": "[^"]+"`).ReplaceAllString(conf, `"control": "nowhere", "outbox": {"mirror": "mirror"}`),
		outbox.Options{Kiosk: "K-000001", Mirror: mirror}, func(ctx context.Context, box *outbox.Outbox, _ []outbox.Request) error {
			return errors.Join(box.Withdraw(ctx, outboxtest.Draft(2).Doc), box.Mirrored(ctx))
		})
}

// receipted makes a kiosk that was stopped: the portal has two of its three requests,
// and has decided about one.
func (f *fixture) receipted(conf string) {
	f.shut("receipted", regexp.MustCompile(`"control": "[^"]+"`).ReplaceAllString(conf, `"control": "nowhere"`),
		outbox.Options{Kiosk: "K-000001"}, func(ctx context.Context, box *outbox.Outbox, rs []outbox.Request) error {
			var durable, decided []wire.Receipt
			for _, r := range rs[:2] {
				durable = append(durable, wire.Receipt{
					Level: wire.Durable, Kiosk: "K-000001", Epoch: r.Epoch, Seq: r.Seq, Doc: r.Doc, Digest: r.SealedDigest,
					Stage: wire.StageDelivered, At: f.w.Made.Unix(), Confirmer: "portal.specimen",
				})
			}
			decided = append(decided, durable[0])
			decided[0].Level, decided[0].Stage, decided[0].Reason = wire.Decided, wire.StageRefused, "cert.suspended"
			var in []outbox.Receipt
			for _, batch := range [][]wire.Receipt{durable, decided} {
				signed, err := wire.SignReceipts(batch, f.w.PortalReceipt.Key, f.w.PortalReceipt.Cert)
				if err != nil {
					return err
				}
				for i, r := range batch {
					in = append(in, outbox.Receipt{Seq: r.Seq, Doc: r.Doc, Stage: outbox.State(r.Stage), At: r.When(), Bytes: signed[i]})
				}
			}
			f.write("swapped.receipt", swap(in[0].Bytes, in[1].Bytes))
			return box.Receipted(ctx, in)
		})
}

// swap returns a with the end of b: the leaf of another record.
func swap(a, b []byte) []byte {
	return append(append([]byte(nil), a[:len(a)-100]...), b[len(b)-100:]...)
}

// shut makes a kiosk that does not run, with three requests and what then does.
func (f *fixture) shut(folder, conf string, opts outbox.Options, then func(context.Context, *outbox.Outbox, []outbox.Request) error) {
	for _, name := range []string{"tls.crt", "tls.key", "doc.crt", "doc.key", "catalogue"} {
		b, err := os.ReadFile(filepath.Join(f.dir, "kiosk", name))
		f.keep(err)
		f.write(folder+"/"+name, b)
	}
	f.write(folder+"/settings.json", []byte(conf))
	if f.err != nil {
		return
	}
	ctx := context.Background()
	box, err := outbox.Open(ctx, filepath.Join(f.dir, folder, "state/outbox"), opts)
	if err != nil {
		f.keep(err)
		return
	}
	var all []outbox.Request
	for i := range 3 {
		r, err := box.Accept(ctx, outboxtest.Draft(i))
		f.keep(err)
		if err == nil {
			all = append(all, r)
		}
	}
	if f.err == nil {
		f.keep(then(ctx, box, all))
	}
	f.keep(box.Close())
}
