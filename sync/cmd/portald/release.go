package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/ledger"
	"github.com/penjire/penjire/sync/portal/rollout"
	"github.com/penjire/penjire/sync/release"
)

const releaseUsage = `usage: portald release add -dir FOLDER DESCRIPTION BUNDLE
       portald release ls -dir FOLDER [-json]
       portald release out -dir FOLDER BOARD BUILD lab|pilot|broad|none
       portald release pause|resume -dir FOLDER BOARD BUILD
       portald release ring -dir FOLDER KIOSK lab|pilot|broad|own
`

// releaseCommand is portald release.
func releaseCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		_, _ = fmt.Fprint(stderr, releaseUsage)
		return 2
	}
	what := args[0]
	fs := flag.NewFlagSet("portald release "+what, flag.ContinueOnError)
	fs.SetOutput(stderr)
	dir := fs.String("dir", "", "`folder` of portal.json")
	where := fs.String("ledger", "", "`file` or postgres://… of the ledger, in place of the one in portal.json")
	asJSON := fs.Bool("json", false, "print JSON: a line for each release")
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	wants, ok := map[string]int{"add": 2, "ls": 0, "out": 3, "pause": 2, "resume": 2, "ring": 2}[what]
	if !ok || *dir == "" || fs.NArg() != wants {
		_, _ = fmt.Fprint(stderr, releaseUsage)
		return 2
	}
	if err := releaseDo(ctx, what, *dir, *where, fs.Args(), *asJSON, stdout); err != nil {
		_, _ = fmt.Fprintln(stderr, "portald:", err)
		if code := release.CodeOf(err); code != "" {
			w := release.Say(language(os.Getenv), string(code))
			_, _ = fmt.Fprintf(stderr, "hint: %s %s\n", w.Says, w.Do)
		}
		return 1
	}
	return 0
}

// language is that of whoever sits there.
func language(env func(string) string) string {
	for _, k := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if l, _, _ := strings.Cut(env(k), "_"); l == "tk" || l == "ru" {
			return l
		}
	}
	return "en"
}

func releaseDo(ctx context.Context, what, dir, where string, args []string, asJSON bool, stdout io.Writer) (err error) {
	l, db, err := openFolder(ctx, dir, where)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	roll := rollout.New(rollout.Config{Ledger: db, Folder: l.bundles, Limit: l.failures})
	by := "command: " + cmp.Or(os.Getenv("SUDO_USER"), os.Getenv("USER"), "?")
	switch what {
	case "add":
		return releaseAdd(ctx, roll, l.keys, args[0], args[1], by, stdout)
	case "ls":
		return releaseList(ctx, db, roll, asJSON, stdout)
	case "ring":
		ring := release.Ring(0)
		if args[1] != "own" {
			if ring, err = release.ParseRing(args[1]); err != nil {
				return err
			}
		}
		return db.AssignRing(ctx, args[0], uint8(ring), by, time.Now())
	}
	build, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return fmt.Errorf("build %q: want a number", args[1])
	}
	switch what {
	case "pause":
		return roll.Pause(ctx, args[0], build, ledger.PausedByOperator, by)
	case "resume":
		return roll.Resume(ctx, args[0], build, by)
	}
	ring := release.Ring(0)
	if args[2] != "none" {
		if ring, err = release.ParseRing(args[2]); err != nil {
			return err
		}
	}
	return roll.LetOut(ctx, args[0], build, ring, by)
}

func releaseAdd(ctx context.Context, roll *rollout.Rollout, keys release.Keys, description, bundle, by string, stdout io.Writer) error {
	signed, err := os.ReadFile(description)
	if err != nil {
		return err
	}
	f, err := os.Open(bundle)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was read only
	r, err := roll.Add(ctx, signed, keys, f, by)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "added %s for %s, build %d, %d bytes; let out to nobody: portald release out -dir … %s %d lab\n",
		r.Version, r.Board, r.Build, r.Content.Size, r.Board, r.Build)
	if err != nil {
		return err
	}
	before, n, err := roll.Beyond(ctx, ledger.Release{Board: r.Board, Build: r.Build, SHA256: r.Content.SHA256, Size: r.Content.Size})
	if errors.Is(err, rollout.ErrNoIndex) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "kiosks with %s fetch %d bytes of it\n", before.Version, n)
	return err
}

// releaseLine is a line of portald release ls -json.
type releaseLine struct {
	Board   string        `json:"board"`
	Build   uint64        `json:"build"`
	Version string        `json:"version"`
	Bytes   int64         `json:"bytes"`
	Fetch   *int64        `json:"fetch,omitempty"`  // of those, by a kiosk that has the release before; nil: not known
	Before  string        `json:"before,omitempty"` // its version
	Out     string        `json:"out"`              // none, lab, pilot, broad
	Widest  string        `json:"widest"`           // that it was signed for
	Paused  string        `json:"paused,omitempty"`
	By      string        `json:"by"`
	Rings   []releaseRing `json:"rings"`
}

type releaseRing struct {
	Ring   string               `json:"ring"`
	Kiosks int                  `json:"kiosks"`
	Runs   int                  `json:"runs"`
	Way    int                  `json:"under_way"`
	Good   int                  `json:"good"`
	Failed int                  `json:"failed"`
	Codes  map[release.Code]int `json:"codes,omitempty"`
}

func releaseList(ctx context.Context, db ledger.Releases, roll *rollout.Rollout, asJSON bool, stdout io.Writer) error {
	all, err := db.Releases(ctx)
	if err != nil {
		return err
	}
	fleet, err := db.Software(ctx)
	if err != nil {
		return err
	}
	ended, err := db.Ended(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		l := releaseLine{
			Board: r.Board, Build: r.Build, Version: r.Version, Bytes: r.Size, Out: "none",
			Widest: release.Ring(r.Widest).String(), Paused: r.Paused, By: r.By,
		}
		before, n, err := roll.Beyond(ctx, r)
		switch {
		case err == nil:
			l.Before, l.Fetch = before.Version, &n
		case !errors.Is(err, rollout.ErrNoIndex):
			return err
		}
		if r.Ring != 0 {
			l.Out = release.Ring(r.Ring).String()
		}
		for _, c := range rollout.Counts(r, fleet, ended) {
			l.Rings = append(l.Rings, releaseRing{c.Ring.String(), c.Kiosks, c.Runs, c.Way, c.Good, c.Failed, c.Codes})
		}
		if asJSON {
			err = json.NewEncoder(stdout).Encode(l)
		} else {
			err = l.show(stdout)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l releaseLine) show(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s  build %d  %d bytes  out to %s of %s", l.Board, l.Version, l.Build, l.Bytes, l.Out, l.Widest)
	if l.Fetch != nil {
		fmt.Fprintf(&b, "  %d bytes to fetch from %s", *l.Fetch, l.Before)
	}
	if l.Paused != "" {
		fmt.Fprintf(&b, "  PAUSED: %s", l.Paused)
	}
	b.WriteString("\n")
	for _, r := range l.Rings {
		if r.Kiosks+r.Good+r.Failed > 0 {
			fmt.Fprintf(&b, "  %-6s %d of %d kiosks run it, %d under way; %d went well, %d failed\n", r.Ring, r.Runs, r.Kiosks, r.Way, r.Good, r.Failed)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
