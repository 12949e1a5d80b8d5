package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/penjire/penjire/sync/edoc/keyfile"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// A running portal takes a new trust bundle, a renewed certificate and new centres of
// kiosks from its folder without a restart. What is refused leaves what was in force.

const (
	// lookAgain is how often the files are looked at. One that is other than the last
	// time is left alone until it has not changed for that long: it may be half copied.
	lookAgain = 5 * time.Second
	// soon is how long before the end of the portal's certificate an operator is told.
	soon = 14 * 24 * time.Hour
)

// watched are files that are read again when they change.
type watched struct {
	what  string // one of portal.Troubles
	files []string
	take  func(ctx context.Context) error
	seen  string // how the files looked last
	taken string // and when they were taken, or refused
}

// look takes the files if they changed; unless now is set, not while they still do.
func (w *watched) look(ctx context.Context, now bool) (tried bool, err error) {
	stamp := stampOf(w.files)
	rests := stamp == w.seen
	w.seen = stamp
	if stamp == w.taken || !rests && !now {
		return false, nil
	}
	w.taken = stamp
	return true, w.take(ctx)
}

// stampOf is how files look from outside.
func stampOf(files []string) string {
	var b strings.Builder
	for _, name := range files {
		if i, err := os.Stat(name); err == nil {
			fmt.Fprintf(&b, "%d %d\n", i.Size(), i.ModTime().UnixNano())
		} else {
			b.WriteString("none\n")
		}
	}
	return b.String()
}

// renewal keeps a running portal's files up to date.
type renewal struct {
	portal  *portal.Portal
	files   []*watched
	shown   *portal.Credentials
	cert    tls.Certificate
	devices *x509.CertPool
	host    string
	adopt   bool // nobody else looks what commands put into the ledger
	now     chan os.Signal
	log     *slog.Logger
}

// renewal returns what keeps p's files up to date. The files are looked at when the
// folder is loaded: what changed since is seen.
func (l *loaded) renewal(p *portal.Portal, log *slog.Logger) *renewal {
	r := &renewal{
		portal: p, shown: portal.NewCredentials(l.cert, l.devices), cert: l.cert, devices: l.devices, host: l.host,
		now: make(chan os.Signal, 1), log: log,
	}
	signal.Notify(r.now, syscall.SIGHUP) // whoever reads that the portal serves may send it
	_, shared := p.Ledger().(ledger.Shared)
	r.adopt = !shared
	take := map[string]func(context.Context) error{
		portal.TroubleTrust: func(ctx context.Context) error {
			b, err := os.ReadFile(l.files[portal.TroubleTrust][0])
			if err != nil {
				return fmt.Errorf("read the trust bundle: %w", err)
			}
			return p.PublishTrust(ctx, b)
		},
		portal.TroubleTLS: func(context.Context) error {
			cert, err := keyfile.TLS(l.files[portal.TroubleTLS][0], l.files[portal.TroubleTLS][1])
			if err != nil {
				return err
			}
			if err := believed(cert, r.host, p.Trust(), l.config.Roots, time.Now()); err != nil {
				return fmt.Errorf("%s: %w", l.files[portal.TroubleTLS][0], err)
			}
			r.cert = cert
			return nil
		},
		portal.TroubleDevices: func(context.Context) error {
			pool, err := readPool(l.files[portal.TroubleDevices][0])
			if err == nil {
				r.devices = pool
			}
			return err
		},
	}
	for _, what := range portal.Troubles {
		stamp := l.stamps[what]
		r.files = append(r.files, &watched{what: what, files: l.files[what], take: take[what], seen: stamp, taken: stamp})
	}
	return r
}

// run looks at the files until ctx ends; at SIGHUP at once.
func (r *renewal) run(ctx context.Context) {
	defer signal.Stop(r.now)
	t := time.NewTicker(lookAgain)
	defer t.Stop()
	for {
		r.ends(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			r.look(ctx, false)
		case <-r.now:
			r.look(ctx, true)
		}
	}
}

func (r *renewal) look(ctx context.Context, now bool) {
	cert, devices := r.cert.Leaf, r.devices
	for _, w := range r.files {
		tried, err := w.look(ctx, now)
		if !tried || ctx.Err() != nil {
			continue
		}
		r.portal.Trouble(w.what, err)
		if err == nil {
			r.log.Info("portald: a file was taken in its new form", "what", w.what)
		}
	}
	if cert != r.cert.Leaf || devices != r.devices {
		r.shown.Set(r.cert, r.devices)
	}
	if r.adopt {
		if err := r.portal.Adopt(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("portald: what was published beside this portal is not seen", "err", err)
		}
	}
}

// ends tells the operator that the certificate ends, if nothing else is wrong with it.
func (r *renewal) ends(now time.Time) {
	until := r.cert.Leaf.NotAfter
	if now.Before(until.Add(-soon)) {
		return
	}
	for _, t := range r.portal.Troubles() {
		if t.What == portal.TroubleTLS {
			return
		}
	}
	r.portal.Trouble(portal.TroubleTLS, fmt.Errorf("the certificate that kiosks are shown ends at %s", until.Format(time.RFC3339)))
}

// believed says whether kiosks will believe a certificate of the portal: it is in force,
// is for the name that they ask for, and leads to a centre of the bundle or to a root.
func believed(cert tls.Certificate, host string, b *trust.Bundle, roots []*x509.Certificate, now time.Time) error {
	o := x509.VerifyOptions{DNSName: host, CurrentTime: now, Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
	for _, c := range roots {
		o.Roots.AddCert(c)
	}
	for _, c := range b.Centres {
		if c.Kind == trust.KindInfrastructure {
			o.Roots.AddCert(c.Cert)
		}
	}
	for _, der := range cert.Certificate[1:] {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("read an issuer: %w", err)
		}
		o.Intermediates.AddCert(c)
	}
	if _, err := cert.Leaf.Verify(o); err != nil {
		return errors.Join(errors.New("kiosks would not believe the certificate"), err)
	}
	return nil
}
