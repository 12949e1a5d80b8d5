package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal"
)

// metrics is GET /metrics in Prometheus' text format, version 0.0.4. Nothing in it
// is personal.
func metrics(w http.ResponseWriter, r *http.Request, p *portal.Portal, log *slog.Logger) {
	requests, err := p.Ledger().Counts(r.Context())
	var fleet []ledger.Kiosk
	if err == nil {
		fleet, err = p.Ledger().Kiosks(r.Context())
	}
	if err != nil {
		log.Error("portald: metrics", "err", err)
		http.Error(w, "the ledger does not answer", http.StatusServiceUnavailable)
		return
	}
	var b bytes.Buffer
	say := func(name, kind, help string) {
		_, _ = fmt.Fprintf(&b, "# HELP penjire_%s %s\n# TYPE penjire_%[1]s %[3]s\n", name, help, kind)
	}
	one := func(name, kind, help string, n int64) {
		say(name, kind, help)
		_, _ = fmt.Fprintf(&b, "penjire_%s %d\n", name, n)
	}
	say("requests", "gauge", "Requests in each state.")
	for _, s := range ledger.States {
		_, _ = fmt.Fprintf(&b, "penjire_requests{state=%q} %d\n", s, requests[s])
	}
	d := p.Disk()
	full := int64(0)
	if d.Full {
		full = 1
	}
	one("disk_free_bytes", "gauge", "Free on the ledger's disk; -1 if it is not known.", d.Free)
	one("disk_reserve_bytes", "gauge", "Of them, never for requests.", d.Reserve)
	one("intake_full", "gauge", "1 while no request is taken in for want of room.", full)
	one("sent_back_total", "counter", "Frames and sessions that were over a quota or had no room.", p.SentBack())
	one("kiosks_connected", "gauge", "Kiosks in a session.", int64(len(p.Connected())))
	one("kiosks_away", "gauge", "Kiosks that were asked to come back later.", int64(p.Away()))
	say("trouble", "gauge", "1 while an operator has to mend something: see /healthz.")
	there := map[string]int{}
	for _, t := range p.Troubles() {
		there[t.What] = 1
	}
	for _, what := range portal.Troubles {
		_, _ = fmt.Fprintf(&b, "penjire_trouble{what=%q} %d\n", what, there[what])
	}
	one("trust_version", "gauge", "Number of the trust bundle in force.", int64(p.Trust().Version))
	say("kiosk_unsent", "gauge", "Requests that the kiosk had unsent when it was seen last.")
	for _, k := range fleet {
		_, _ = fmt.Fprintf(&b, "penjire_kiosk_unsent{kiosk=%q} %d\n", k.ID, k.Visit.Unsent)
	}
	say("kiosk_seen_seconds", "gauge", "When the kiosk was seen last, in seconds since 1970.")
	for _, k := range fleet {
		_, _ = fmt.Fprintf(&b, "penjire_kiosk_seen_seconds{kiosk=%q} %d\n", k.ID, k.Visit.At.Unix())
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // who asked may have gone
}
