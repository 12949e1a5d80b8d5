// Command portald is the portal in one process: kiosks' sync, the agencies'
// desk, the public pages and a time-stamping authority, on one SQLite file or, for
// several portals side by side, on PostgreSQL.
//
//	portald -dir FOLDER [-sync HOST:PORT] [-web HOST:PORT] [-est HOST:PORT] [-packs FOLDER] [-line DEVICE[,BAUD]] …
//	        [-ledger FILE|postgres://USER@HOST/DATABASE]
//	portald check -dir FOLDER [-ledger …] [-days N] [-json]
//	portald export -dir FOLDER [-ledger …] [-all | CODE|ID …] TO
//	portald ticket -dir FOLDER -kiosk NUMBER -do support|verbose|decommission [-good 72h] [-for 24h] [-o FILE]
//	portald proof -dir FOLDER FILE
//	portald move -dir FOLDER postgres://USER@HOST/DATABASE
//	portald release add|ls|out|pause|resume|ring -dir FOLDER [-ledger …] …
//	portald settings set|ls -dir FOLDER [-ledger …] all|RING|KIOSK FILE
//	portald trust -dir FOLDER [-ledger …] FILE
//	portald code -dir FOLDER [-ledger …] [-chip] [-days N] [-by NAME] KIOSK
//	portald kiosk ls|revoke|answer|crl -dir FOLDER [-ledger …] …
//
// FOLDER holds portal.json (see portal.File) and what it names. -ledger takes the
// place of its "ledger". A password for PostgreSQL comes from the file that
// PGPASSFILE names, or from PGPASSWORD; one in the address is refused. Port 0 takes a
// free one. Each -line is a serial line to one kiosk, a radio modem; 1200 baud, if
// nothing is said. When it serves, portald prints one line of JSON on standard output,
// {"sync":"HOST:PORT","web":"http://HOST:PORT","est":"HOST:PORT"}; its log goes to standard error
// as JSON lines and names no person. It stops on SIGTERM or SIGINT.
//
// On the web address: / public pages, /desk/ and /api/desk/ the desk of agencies
// and operators, /api/stick what operators bring on memory sticks,
// /tsa time stamps (RFC 3161), /healthz (200 «ok», also while there is no room for
// requests, or 503), /metrics for Prometheus, and /api/state:
//
//	{"requests":{"received":0,"registered":2,…},"kiosks":[{…}],"connected":["K-000001"],
//	 "alarms":[{…}],"catalogue":2,"trust":1,"disk":{"free":…,"reserve":…,"full":false},"sent_back":0,"away":0,"troubles":[]}
//
// check verifies everything that the ledger keeps again, by the trust bundle of
// then and of now, and says what is damaged, what is judged otherwise by now and
// which time stamps want to be renewed; it removes and mends nothing. export
// writes documents as they were received, raised, and answered, with an index of
// origins, destinations and times (ED-13). Both may run beside the portal. move
// copies the ledger in a file into an empty database of PostgreSQL, in one
// transaction, reads it back and checks it; it refuses to while a portal runs on it.
//
// A running portal takes a new trust bundle, a renewed certificate for kiosks' connections
// and a new file of kiosks' centres from FOLDER by itself within 10 s, at SIGHUP at once.
// What it refuses leaves what was in force, and is said in the log, at /healthz, in
// /api/state ("troubles") and at the desk. trust publishes a bundle for all portals of the
// ledger.
//
// settings sets something on kiosks from afar (wire.md, section 5b), and says who set
// what.
//
// release is for releases of the kiosks' software (release.md), beside the running
// portal or without it: add takes a signed description and its bundle in, let out to
// nobody; out says how far it goes (lab, pilot, broad, none), pause and resume stop it
// and go on, ring puts a kiosk into a ring (own: the one it was set up for), and ls
// says how each stands in each ring. Kiosks ask on the sync address, at /releases/.
// Where portal.json has "enrol", kiosks get their certificates at -est: EST (RFC
// 7030). code makes a one-time code for a kiosk and prints it, once. kiosk ls lists
// certificates and codes; revoke revokes all certificates of a kiosk; answer answers
// the file of a kiosk that has no network; crl prints the centre's list of revoked
// certificates, for the next trust bundle. All may run beside the portal.
//
// ticket signs what lets a technician do one thing on one kiosk, once (package
// service); proof checks what a kiosk signed as the last thing before it went out of
// service.
//
// Exit status: 0 stopped as told, all in order, all exported or all moved; 1 failed, or
// something is damaged, unreadable or missing; 2 wrong use; 3 of check: in order,
// but something is judged otherwise by now or wants a new time stamp.
package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/penjire/penjire/sync/portal"
	"github.com/penjire/penjire/sync/portal/est"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/socket"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command line.
type options struct {
	dir, sync, web, est, packs, ledger string
	lines                              []line
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		switch args[0] {
		case "check":
			return checkCommand(ctx, args[1:], stdout, stderr)
		case "export":
			return exportCommand(ctx, args[1:], stdout, stderr)
		case "move":
			return moveCommand(ctx, args[1:], stdout, stderr)
		case "release":
			return releaseCommand(ctx, args[1:], stdout, stderr)
		case "settings":
			return settingsCommand(ctx, args[1:], stdout, stderr)
		case "ticket":
			return ticketCommand(args[1:], stdout, stderr)
		case "proof":
			return proofCommand(args[1:], stdout, stderr)
		case "trust":
			return trustCommand(ctx, args[1:], stdout, stderr)
		case "code":
			return codeCommand(ctx, args[1:], stdout, stderr)
		case "kiosk":
			return kioskCommand(ctx, args[1:], stdout, stderr)
		}
	}
	var o options
	fs := flag.NewFlagSet("portald", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&o.dir, "dir", "", "`folder` of portal.json")
	fs.StringVar(&o.sync, "sync", "127.0.0.1:0", "`address` for kiosks")
	fs.StringVar(&o.web, "web", "127.0.0.1:0", "`address` of the pages")
	fs.StringVar(&o.est, "est", "127.0.0.1:0", "`address` for kiosks that want certificates, where portal.json has enrol")
	fs.Func("line", "serial `device[,baud]` to a kiosk; may be given more than once", func(s string) error {
		l, err := parseLine(s)
		o.lines = append(o.lines, l)
		return err
	})
	fs.StringVar(&o.ledger, "ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
	fs.StringVar(&o.packs, "packs", "", "`folder` of further service packs")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if o.dir == "" || fs.NArg() > 0 {
		_, _ = fmt.Fprintln(stderr, "portald: -dir is needed, and nothing after the flags")
		return 2
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	if err := serve(ctx, o, stdout, log); err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		return 1
	}
	return 0
}

// serve runs the portal until ctx ends.
func serve(ctx context.Context, o options, stdout io.Writer, log *slog.Logger) (err error) {
	l, err := load(o)
	if err != nil {
		return err
	}
	syncLn, err := net.Listen("tcp", o.sync)
	if err != nil {
		return fmt.Errorf("listen for kiosks: %w", err)
	}
	defer func() { _ = syncLn.Close() }()
	webLn, err := net.Listen("tcp", o.web)
	if err != nil {
		return fmt.Errorf("listen for pages: %w", err)
	}
	defer func() { _ = webLn.Close() }()
	web := "http://" + webLn.Addr().String()
	if l.config.PublicURL == "" {
		l.config.PublicURL = web
	}
	db, err := openLedger(ctx, l.ledger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l.config.Ledger, l.config.Log = db, log
	p, err := portal.New(ctx, l.config)
	if err != nil {
		return err
	}
	roll := rollout.New(rollout.Config{Ledger: db, Folder: l.bundles, Limit: l.failures, Log: log})
	issues, err := l.issues(db, p.Trust, log)
	if err != nil {
		return err
	}
	pages, err := l.pages(p, roll, issues, log)
	if err != nil {
		return err
	}

	files := l.renewal(p, log)

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	kiosks := http.NewServeMux()
	kiosks.Handle("GET "+socket.Path, p.SyncHandler())
	kiosks.Handle("/releases/", roll.Handler(func(c *x509.Certificate) (string, error) { return p.Admit(ctx, c) }))
	errorLog := slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	servers := []*http.Server{
		{Handler: kiosks, TLSConfig: files.shown.TLSConfig(), ReadHeaderTimeout: time.Minute, ErrorLog: errorLog},
		{Handler: pages, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, ErrorLog: errorLog},
	}
	wg.Go(func() { p.Run(ctx) })
	wg.Go(func() { files.run(ctx) })
	for _, line := range o.lines {
		wg.Go(func() { line.serve(ctx, p, servers[0].TLSConfig, log) })
	}
	wg.Go(func() {
		var line socket.Line
		ends(cancel, servers[0].ServeTLS(socket.Listener{Listener: syncLn, Line: &line}, "", ""))
	})
	wg.Go(func() { ends(cancel, servers[1].Serve(webLn)) })
	estAddr := ""
	if issues != nil {
		estLn, err := net.Listen("tcp", o.est)
		if err != nil {
			cancel(nil)
			return fmt.Errorf("listen for kiosks that want certificates: %w", err)
		}
		estAddr = estLn.Addr().String()
		srv := &http.Server{
			Handler: issues.Handler(), TLSConfig: est.TLSConfigOf(files.shown.Certificate), ReadHeaderTimeout: 30 * time.Second, ReadTimeout: time.Minute,
			WriteTimeout: time.Minute, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: errorLog,
		}
		servers = append(servers, srv)
		wg.Go(func() { ends(cancel, srv.ServeTLS(estLn, "", "")) })
	}

	if err := json.NewEncoder(stdout).Encode(struct {
		Sync string `json:"sync"`
		Web  string `json:"web"`
		EST  string `json:"est,omitempty"`
	}{syncLn.Addr().String(), web, estAddr}); err != nil {
		cancel(fmt.Errorf("say where it serves: %w", err))
	}
	<-ctx.Done()
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer stop()
	for _, s := range servers {
		if err := s.Shutdown(grace); err != nil { // who does not finish in time is cut
			_ = s.Close()
		}
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// ends stops the portal when a server ends by itself.
func ends(cancel context.CancelCauseFunc, err error) {
	if !errors.Is(err, http.ErrServerClosed) {
		cancel(fmt.Errorf("serve: %w", err))
	}
}
