package portal

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/catalog"
	"github.com/penjire/penjire/sync/catalog/packs"
	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/ledger/sqlite"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/outbox/outboxtest"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/uplink"
)

// world is a portal that listens, with everything a kiosk needs to reach it.
type world struct {
	*specimen.World
	t      testing.TB
	config Config
	l      *sqlite.DB
	p      *Portal
	url    string
	line   socket.Line // bytes at the portal's end
	stop   func()      // stops the portal, once
	idle   bool        // serve does not decide
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := makeWorld(t)
	w.start(filepath.Join(t.TempDir(), "ledger.db"))
	return w
}

// newSilentWorld is a portal that does not listen, nor run.
func newSilentWorld(t testing.TB, file string) *world {
	t.Helper()
	w := makeWorld(t)
	w.open(file)
	var err error
	if w.p, err = New(context.Background(), w.config); err != nil {
		t.Fatal(err)
	}
	w.stop = func() {}
	return w
}

func makeWorld(t testing.TB) *world {
	t.Helper()
	s, err := specimen.New(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: s, t: t}
	cat, err := packs.Catalogue(3)
	if err != nil {
		t.Fatal(err)
	}
	signed := w.signCatalogue(t, cat)
	id, err := age.ParseX25519Identity(s.AgeIdentity)
	if err != nil {
		t.Fatal(err)
	}
	tsa, err := tsp.NewAuthority(s.TSA.Signer(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.config = Config{
		Name: "portal.specimen", PublicURL: "https://portal.specimen", Roots: s.Roots(), Trust: s.Bundle(), Catalogue: signed,
		Receipt: s.PortalReceipt.Signer(), Register: s.Register.Signer(), Agencies: map[string]edoc.Signer{},
		Identities: []age.Identity{id}, Stamper: tsa,
	}
	for name, a := range s.Agencies {
		w.config.Agencies[name] = a.Signer()
	}
	return w
}

func (w *world) signCatalogue(t testing.TB, c *catalog.Catalogue) []byte {
	t.Helper()
	payload, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	signed, err := trust.SignObjectAt(trust.KindCatalogue, payload, w.Register.Signer(), w.Made)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// start opens the ledger and runs a portal on it.
func (w *world) start(file string) {
	w.t.Helper()
	w.open(file)
	w.serve(w.PortalTLS.TLS())
}

// open opens the ledger, and looks through it when the test ends.
func (w *world) open(file string) {
	w.t.Helper()
	l, err := sqlite.Open(context.Background(), file)
	if err != nil {
		w.t.Fatal(err)
	}
	w.l, w.config.Ledger = l, l
	w.t.Cleanup(func() {
		w.stop()
		if err := l.Check(context.Background()); err != nil {
			w.t.Errorf("Check of the ledger = %v", err)
		}
		if err := l.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// serve runs a portal that shows cert.
func (w *world) serve(cert tls.Certificate) {
	w.t.Helper()
	p, err := New(context.Background(), w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.Handle(socket.Path, p.SyncHandler())
	srv := &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	var wg sync.WaitGroup
	if w.idle {
		wg.Go(func() {
			<-ctx.Done()
			p.closeSessions()
		})
	} else {
		wg.Go(func() { p.Run(ctx) })
	}
	wg.Go(func() {
		if err := srv.Serve(tls.NewListener(socket.Listener{Listener: ln, Line: &w.line}, TLSConfig(cert, w.devices()))); !errors.Is(err, http.ErrServerClosed) {
			w.t.Errorf("Serve = %v", err)
		}
	})
	w.p, w.url = p, "wss://"+ln.Addr().String()+socket.Path
	w.stop = sync.OnceFunc(func() {
		cancel()
		_ = srv.Close()
		wg.Wait()
	})
}

// kiosk is a kiosk's outbox and uplink.
type kiosk struct {
	w    *world
	dev  specimen.Device
	o    *outbox.Outbox
	sink *sink
	n    int
}

func (w *world) kiosk() *kiosk { return w.kioskWith(w.Device, outboxtest.Open(w.t)) }

func (w *world) kioskWith(d specimen.Device, o *outbox.Outbox) *kiosk {
	return &kiosk{w: w, dev: d, o: o, sink: &sink{o: o, came: make(chan struct{}, 1)}}
}

// devices are the centres whose kiosks are let in.
func (w *world) devices() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(w.Infrastructure.Cert)
	return pool
}

func (k *kiosk) tls() *tls.Config {
	known := k.w.Pool()
	known.AddCert(k.w.Infrastructure.Cert) // as kiosks have it in their bundle
	return &tls.Config{
		RootCAs: known, ServerName: "portal.specimen", Certificates: []tls.Certificate{k.dev.TLS.TLS()},
	}
}

func (k *kiosk) uplinkConfig() uplink.Config {
	return uplink.Config{
		URL: k.w.url, TLS: k.tls(), Outbox: k.o, Trust: k.w.Trust, Sink: k.sink, Kept: k.sink.kept, Software: "test",
		Signer:     k.dev.Signing.Signer,
		MinBackoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond, Checkpoint: time.Millisecond,
	}
}

// run runs an uplink until the test ends or stop is called.
func (k *kiosk) run(c uplink.Config) (u *uplink.Uplink, stop func()) {
	k.w.t.Helper()
	u, err := uplink.New(c)
	if err != nil {
		k.w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := u.Run(ctx); err != nil {
			k.w.t.Errorf("Run = %v", err)
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	k.w.t.Cleanup(stop)
	return u, stop
}

// document is a certificate of residence asked for by a card.
func (k *kiosk) document(card specimen.Card) *edoc.Document {
	k.n++
	made := time.Now().UTC().Truncate(time.Second)
	return &edoc.Document{
		Kind: edoc.KindRequest, Name: "Certificate of residence", Heading: "Request", Lang: "en", Made: made, Kiosk: k.dev.ID, Pages: 1,
		Service: "residence-certificate", ServiceVersion: 1, Regulation: "SPECIMEN",
		Sender: edoc.Party{
			ID: card.Holder.ID, Surname: card.Holder.Surname, Name: card.Holder.Name, Patronymic: card.Holder.Patronymic,
			Postal: citizen.NewText("Nusga 1"),
		},
		Addressee: edoc.Party{Organisation: "NUSGA", Position: "Head"},
		Answers:   citizen.NewAnswers(map[string]string{"purpose": string(rune('a'+k.n%26)) + time.Now().Format(time.RFC3339Nano)}),
		AnswerTo:  []string{card.Recipient()},
	}
}

// ask signs d and accepts it into the outbox.
func (k *kiosk) ask(d *edoc.Document, s edoc.Signer) *edoc.Container {
	k.w.t.Helper()
	c, err := edoc.Sign(d, s, d.Made)
	if err != nil {
		k.w.t.Fatal(err)
	}
	k.accept(c.ID(), c.Bytes(), d)
	return c
}

// accept seals bytes and accepts them as the document with that id.
func (k *kiosk) accept(id edoc.ID, b []byte, d *edoc.Document) {
	k.w.t.Helper()
	sealed, err := envelope.NewDictionary(k.w.p.Catalogue().Dictionary()).Seal(b, k.w.AgeRecipient)
	if err != nil {
		k.w.t.Fatal(err)
	}
	k.acceptSealed(id, sealed, d)
}

func (k *kiosk) acceptSealed(id edoc.ID, sealed []byte, d *edoc.Document) {
	k.w.t.Helper()
	if _, err := k.o.Accept(k.w.t.Context(), outbox.Draft{
		Doc: id, Code: id.Code(), Service: d.Service, ServiceVersion: d.ServiceVersion, Lang: d.Lang,
		Owner: outbox.Owner{1}, Sealed: sealed, Claimed: d.Made, Signature: sha256.Sum256(sealed),
	}); err != nil {
		k.w.t.Fatal(err)
	}
}

// one asks for one certificate of residence with a card.
func (k *kiosk) one(name string) *edoc.Container {
	k.w.t.Helper()
	card, ok := k.w.Card(name)
	if !ok {
		k.w.t.Fatalf("no card %s", name)
	}
	return k.ask(k.document(card), card.Slots[specimen.SlotSign].Signer())
}

// until waits for what the outbox says of a document. The outbox tells of each
// change, so this waits for events and not for a time; what the portal alone knows is
// looked at again and again.
func (k *kiosk) until(what string, ok func() bool) {
	k.w.t.Helper()
	changes := k.o.Changes()
	timeout := time.After(30 * time.Second)
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-changes:
		case <-k.sink.came:
		case <-again.C:
		case <-timeout:
			k.w.t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func (k *kiosk) state(id edoc.ID) outbox.State {
	k.w.t.Helper()
	r, err := k.o.Get(context.Background(), id)
	if err != nil {
		k.w.t.Fatal(err)
	}
	return r.State
}

func (k *kiosk) untilState(id edoc.ID, s outbox.State) {
	k.w.t.Helper()
	k.until(s.String(), func() bool { return k.state(id) == s })
}

// sink keeps what came.
type sink struct {
	o *outbox.Outbox

	mu         sync.Mutex
	catalogues [][]byte
	bundles    [][]byte
	revoked    [][]byte
	settings   [][]byte
	beacons    []time.Time
	carried    []time.Time     // that came in files
	heads      []*journal.Head // witnessed
	against    []*journal.Head // contradicting
	refuse     error

	came chan struct{} // something did
}

// note wakes whoever waits for what comes.
func (s *sink) note() {
	select {
	case s.came <- struct{}{}:
	default:
	}
}

func (s *sink) Catalogue(b []byte) error {
	defer s.note()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		s.catalogues = append(s.catalogues, b)
	}
	return s.refuse
}

func (s *sink) Trust(b []byte) error {
	defer s.note()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		s.bundles = append(s.bundles, b)
	}
	return s.refuse
}

func (s *sink) RevokedSeals(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		s.revoked = append(s.revoked, b)
	}
	return s.refuse
}

func (s *sink) Settings(b []byte) error {
	defer s.note()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil || errors.Is(s.refuse, uplink.ErrPartly) {
		s.settings = append(s.settings, b)
	}
	return s.refuse
}

func (s *sink) Beacon(b []byte, at time.Time) error {
	s.mu.Lock()
	s.beacons = append(s.beacons, at)
	s.mu.Unlock()
	d := sha256.Sum256(b)
	_, err := s.o.Append(context.Background(), journal.Entry{
		Kind: journal.Beacon, Fields: journal.Fields{To: at.UnixMilli(), Digest: d[:]},
	})
	return err
}

func (s *sink) Witness(h *journal.Head) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heads = append(s.heads, h)
	s.note()
	return nil
}

// kept is the last head witnessed, as the kiosk would keep it.
func (s *sink) kept() *journal.Head {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heads) == 0 {
		return nil
	}
	return s.heads[len(s.heads)-1]
}

func (s *sink) Contradicted(h *journal.Head) error {
	s.mu.Lock()
	s.against = append(s.against, h)
	s.mu.Unlock()
	return s.o.Renounce(context.Background())
}

func (s *sink) counts() (catalogues, bundles, beacons int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.catalogues), len(s.bundles), len(s.beacons)
}

// count returns how many requests the portal has in a state.
func (w *world) count(s ledger.State) int {
	w.t.Helper()
	n, err := w.l.Counts(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return n[s]
}
