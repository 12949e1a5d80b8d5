package update

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/penjire/penjire/sync/release"
)

// assembly is the rest of a bundle: what the base has from there, and what it has not
// from the portal, pieces that follow one another in one request. What it gives is not
// known to be right: whoever reads it asks the signed digests.
type assembly struct {
	ctx  context.Context
	u    *Updater
	r    *release.Release
	p    *plan
	base *os.File // nil: everything comes from the portal

	at    int64  // what is read next, in the bundle
	i     int    // the piece that has it
	start int64  // of that piece
	buf   []byte // for a piece of the base
	rest  []byte // of buf, not read yet

	in    Stream // from the portal; nil: none is open
	until int64  // where it ends, in the bundle
}

// assemble returns the bundle from an offset on.
func (u *Updater) assemble(ctx context.Context, r *release.Release, p *plan, from int64) (*assembly, error) {
	a := &assembly{ctx: ctx, u: u, r: r, p: p, at: from}
	if p.pieces == nil {
		return a, nil
	}
	var err error
	if a.base, err = os.Open(u.store.base()); err != nil {
		return nil, fmt.Errorf("update: open the bundle of before: %w", err)
	}
	a.buf = make([]byte, release.MaxPiece)
	return a, nil
}

// differs reports whether anything may have come from elsewhere than the portal's
// stream: then damage says nothing of the bundle there.
func (a *assembly) differs() bool { return a.p.pieces != nil }

// Read implements io.Reader.
func (a *assembly) Read(b []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, err
	}
	if len(a.rest) > 0 {
		n := copy(b, a.rest)
		a.rest = a.rest[n:]
		a.at += int64(n)
		return n, nil
	}
	if a.in != nil && a.at == a.until {
		if err := a.shut(); err != nil {
			return 0, err
		}
	}
	if a.in == nil {
		if a.at >= a.r.Content.Size {
			return 0, io.EOF
		}
		if a.fromBase() {
			return a.Read(b)
		}
		if err := a.open(); err != nil {
			return 0, err
		}
	}
	n, err := a.in.Read(b[:min(int64(len(b)), a.until-a.at)])
	a.at += int64(n)
	a.u.brought += int64(n)
	if errors.Is(err, io.EOF) {
		if err = nil; a.at < a.until {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// fromBase reads the piece at the offset from the base, if it is there.
func (a *assembly) fromBase() bool {
	if a.p.pieces == nil {
		return false
	}
	for a.start+int64(a.p.pieces[a.i].Length) <= a.at {
		a.start += int64(a.p.pieces[a.i].Length)
		a.i++
	}
	q := a.p.pieces[a.i]
	if q.base == missing {
		return false
	}
	piece := a.buf[:q.Length]
	if _, err := a.base.ReadAt(piece, q.base); err != nil || release.DigestPiece(piece) != q.Digest {
		a.u.c.Log.Warn("update: the bundle of before is not what it was", "err", err)
		a.p.spoil(a.i)
		return false
	}
	a.rest = piece[a.at-a.start:]
	return true
}

// open asks the portal for what follows, as far as the base does not have it.
func (a *assembly) open() error {
	if a.u.c.Source == nil {
		return errNoPortal
	}
	a.until = a.r.Content.Size
	if a.p.pieces != nil {
		a.until = a.start
		for _, q := range a.p.pieces[a.i:] {
			if q.base != missing {
				break
			}
			a.until += int64(q.Length)
		}
	}
	var err error
	a.in, err = a.u.c.Source.Bundle(a.ctx, a.r.Content.SHA256, a.at, a.until, a.r.Content.Size)
	return err
}

func (a *assembly) shut() error {
	if a.in == nil {
		return nil
	}
	err := a.in.Close()
	a.in = nil
	return err
}

// Close implements io.Closer.
func (a *assembly) Close() error {
	err := a.shut()
	if a.base != nil {
		err = errors.Join(err, a.base.Close())
	}
	return err
}
