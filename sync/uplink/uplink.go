// Package uplink brings what the outbox keeps to the portal, and what the portal
// has to the outbox, whenever there is a connection (DESIGN 7; sync/spec/wire.md).
//
// It keeps nothing itself: what was sent, received and stored is the outbox's,
// so it can be stopped at any moment.
package uplink

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/journal"
	"github.com/penjire/penjire/sync/outbox"
	"github.com/penjire/penjire/sync/socket"
	"github.com/penjire/penjire/sync/wire"
)

// Sink takes what is not the outbox's. Each method has made durable what it was
// given, or found that it has it already, when it returns nil. What it refuses
// with ErrUnacceptable is left out for good; any other error is tried again at
// the next connection.
type Sink interface {
	// Catalogue takes a signed catalogue. The sink verifies it.
	Catalogue(signed []byte) error
	// Trust takes a signed trust bundle. The sink verifies it.
	Trust(signed []byte) error
	// RevokedSeals takes a signed list of revoked seals. The sink verifies it.
	RevokedSeals(signed []byte) error
	// Settings takes signed settings of this kiosk. The sink verifies them; ErrPartly
	// says that they were taken and kept, but for some values.
	Settings(signed []byte) error
	// Beacon takes a beacon that is verified: the portal's time.
	Beacon(signed []byte, at time.Time) error
	// Witness takes a head of this kiosk's journal that the portal has signed:
	// proof in the kiosk's hand that the portal knows it. It is verified.
	Witness(h *journal.Head) error
	// Contradicted takes a head that this kiosk has signed and the portal has
	// witnessed, and that the journal here does not lead to: the medium is an
	// older copy, or another. It is verified.
	Contradicted(h *journal.Head) error
}

// ErrUnacceptable says that an item will never be taken: it does not verify, or
// is older than what the kiosk has.
var ErrUnacceptable = errors.New("not acceptable")

// ErrPartly says that settings were taken and that this kiosk cannot use all of them.
var ErrPartly = errors.New("not all of it can be used")

// Config is what an uplink is made of.
type Config struct {
	URL string      // of the portal, "wss://portal.specimen:8443/sync"
	TLS *tls.Config // roots, server name and one client certificate; its Time if the system's cannot be trusted
	// Connect makes a connection whose other end is known to be the portal and
	// knows this kiosk, by whatever means the carrier has. nil: a WebSocket to URL
	// with TLS, which are needed only then.
	Connect func(ctx context.Context) (wire.Carrier, error)
	// Fallback makes a connection where Connect does not: over a slower line. Its
	// session lasts until Connect works again, which is tried every LookBack; 0 is
	// 10 min. nil: there is no second way.
	Fallback func(ctx context.Context) (wire.Carrier, error)
	LookBack time.Duration
	Outbox   *outbox.Outbox
	// Trust returns the bundle in force: receipts and beacons are verified by it.
	Trust func() *trust.Bundle
	// Catalogue returns the version of the catalogue in force; nil: 0.
	Catalogue func() uint64
	Sink      Sink
	// Signer returns what signs journal heads and files now: the key with which the
	// kiosk signs as intermediary, always the same, with its newest certificate.
	Signer func() cms.Signer
	// Counter counts heads in hardware; nil: there is none.
	Counter journal.Counter
	// Witnessed returns the size of the largest head of this epoch that Sink has
	// the portal's signature for; nil: what the portal knows.
	Witnessed func() int64
	// Kept returns that head, with all signatures; nil: not at hand. The next one is
	// sent as the difference to it.
	Kept     func() *journal.Head
	Software string           // version, for the portal's fleet view
	Now      func() time.Time // the kiosk's clock; nil is time.Now
	Log      *slog.Logger     // nil: nothing is logged

	// Dial makes the WebSocket's connection; nil is TCP. Tests set it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Schedule Schedule // when, and how much
	// Aside is a file that keeps over restarts which of the portal's decisions were
	// not believed and are to be asked for again; "": nothing does.
	Aside string

	MinBackoff time.Duration // first wait after a failure; 0 is 1 s
	MaxBackoff time.Duration // longest; 0 is 30 s
	Interval   time.Duration // silence after which the other end is asked; 0 is 30 s
	Checkpoint time.Duration // least time between two journal heads of a session; 0 is 1 min
	Batch      int           // most records in a frame; 0 is what the portal takes

	// Jitter returns a random part of d, by which waits differ; nil: by chance. A
	// simulation that is to be told again sets it.
	Jitter func(d time.Duration) time.Duration
}

// Uplink is the kiosk's end of sync.
type Uplink struct {
	c        Config
	kiosk    string
	line     socket.Line
	kick     chan struct{}
	changes  <-chan struct{}
	st       status
	schedule atomic.Pointer[Schedule] // in force
	budget   *budget
	aside    *aside
	better   wire.Carrier // for the next session; Run's
	whole    atomic.Bool  // a delta did not fit: ask for a whole bundle
}

// New makes an uplink. It does not connect: Run does.
func New(c Config) (*Uplink, error) {
	if c.Outbox == nil || c.Trust == nil || c.Sink == nil {
		return nil, errors.New("uplink: Outbox, Trust and Sink are needed")
	}
	if c.Signer == nil {
		return nil, errors.New("uplink: Signer is needed")
	}
	own := c.Signer()
	if own.Key == nil || own.Cert == nil || trust.DeviceID(own.Cert) == "" {
		return nil, errors.New("uplink: Signer is no kiosk's")
	}
	u := &Uplink{c: c, kiosk: trust.DeviceID(own.Cert), kick: make(chan struct{}, 1), changes: c.Outbox.Changes()}
	setDefault(&u.c.MinBackoff, time.Second)
	setDefault(&u.c.MaxBackoff, 30*time.Second)
	setDefault(&u.c.Interval, 30*time.Second)
	setDefault(&u.c.Checkpoint, time.Minute)
	setDefault(&u.c.LookBack, 10*time.Minute)
	if u.c.Now == nil {
		u.c.Now = time.Now
	}
	if u.c.Jitter == nil {
		u.c.Jitter = jitter
	}
	if u.c.Log == nil {
		u.c.Log = slog.New(slog.DiscardHandler)
	}
	if u.c.Catalogue == nil {
		u.c.Catalogue = func() uint64 { return 0 }
	}
	var err error
	u.schedule.Store(&c.Schedule)
	if u.budget, err = openBudget(c.Schedule); err != nil {
		return nil, err
	}
	if u.aside, err = openAside(c.Aside); err != nil {
		return nil, err
	}
	if u.c.Connect == nil {
		if u.c.Connect, err = u.webSocket(); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// webSocket returns what connects to the portal's URL.
func (u *Uplink) webSocket() (func(context.Context) (wire.Carrier, error), error) {
	c := u.c
	if c.URL == "" || c.TLS == nil {
		return nil, errors.New("uplink: URL and TLS, or Connect, are needed")
	}
	if len(c.TLS.Certificates) != 1 || len(c.TLS.Certificates[0].Certificate) == 0 {
		return nil, errors.New("uplink: one client certificate is needed")
	}
	leaf, err := x509.ParseCertificate(c.TLS.Certificates[0].Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("uplink: read the client certificate: %w", err)
	}
	if trust.DeviceID(leaf) != u.kiosk {
		return nil, errors.New("uplink: Signer is not the kiosk of the client certificate")
	}
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	// The server's name is that of the URL where the settings have none.
	tc := c.TLS.Clone()
	if tc.ServerName == "" {
		if to, err := url.Parse(c.URL); err == nil {
			tc.ServerName = to.Hostname()
		}
	}
	way := newSecure(tc)
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		Proxy:             nil, // a portal is reached directly or by a VPN below
		DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Minute+20*time.Second)
			defer cancel()
			conn, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return way.client(ctx, u.line.Wrap(conn))
		},
	}}
	return func(ctx context.Context) (wire.Carrier, error) {
		conn, err := socket.Dial(ctx, c.URL, client, &u.line)
		if err != nil {
			return nil, err // and not a carrier that is no carrier
		}
		return conn, nil
	}, nil
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d <= 0 {
		*d = v
	}
}

// mostRetry is the longest that the portal can send a kiosk away for: a wrong
// number must not take a kiosk out of service for good.
const mostRetry = 24 * time.Hour

// away is how long to stay away when the portal asks for retry. The herd after an
// outage is spread by whoever sees all of it; a little chance on top keeps equal
// answers from making a new one.
func away(retry time.Duration, jitter func(time.Duration) time.Duration) time.Duration {
	retry = min(retry, mostRetry)
	return retry + jitter(retry/4)
}

// refusal is what a bye that asks to come back later is, in Status.Waits.
func (u *Uplink) refusal(err error) string {
	if Code(err) == CodeQuota {
		return WaitsQuota
	}
	return WaitsPortal
}

// Run connects, and connects again, until ctx ends; then it returns nil. Between
// attempts it waits a random part of a time that doubles (full jitter), or as
// long as the portal asked for; a new request cuts the wait short, but not what
// the portal asked for.
func (u *Uplink) Run(ctx context.Context) error {
	wait := u.c.MinBackoff
	defer func() {
		if u.better != nil {
			u.better.Cut()
		}
	}()
	for ctx.Err() == nil && u.rest(ctx) {
		start := time.Now()
		retry, welcomed, err := u.session(ctx)
		if ctx.Err() != nil {
			break
		}
		u.st.down(u.c.Now(), err)
		u.c.Log.Info("uplink: session ended", "code", Code(err), "err", err)
		// A session that held is a new beginning; one that was welcomed and
		// ended at once, again and again, is not.
		if welcomed && time.Since(start) >= 10*u.c.MinBackoff {
			wait = u.c.MinBackoff
		}
		if retry > 0 {
			d := away(retry, u.c.Jitter)
			u.st.sentAway(u.refusal(err), d)
			u.sleep(ctx, d, nil)
			u.st.sentAway("", 0)
			continue
		}
		u.sleep(ctx, u.c.Jitter(wait), u.kick)
		wait = min(2*wait, u.c.MaxBackoff)
	}
	u.st.down(u.c.Now(), nil)
	return nil
}

// Kick ends a wait between attempts: somebody knows that the network is back.
func (u *Uplink) Kick() {
	select {
	case u.kick <- struct{}{}:
	default:
	}
}

// sleep waits for d, or until one of wake and, with it, a change of the outbox.
func (u *Uplink) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	var changes <-chan struct{}
	if wake != nil {
		changes = u.changes
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-wake:
	case <-changes:
		// Not at once: a citizen at work changes the outbox several times.
		t.Reset(min(d, u.c.MinBackoff))
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	}
}

// jitter returns a random part of d.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(d)))
	if err != nil {
		return d // no chance to be had: the whole wait is safe too
	}
	return time.Duration(n.Int64())
}
