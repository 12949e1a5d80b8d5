package update

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/penjire/penjire/sync/release"
)

// ErrNoIndex is returned by a Source that has no index of a bundle, and will not have
// one soon: all of the bundle is fetched.
var ErrNoIndex = errors.New("the portal gives no index of this bundle")

// errPortalFails is an answer of a portal that has trouble.
var errPortalFails = errors.New("the portal has trouble")

// maxIndexTries is how often the portal may fail to say what is new before the whole is
// fetched.
const maxIndexTries = 3

// plan says where the bytes of a bundle come from. It is of one target and lives as long
// as the daemon: after a restart the base is looked through anew.
type plan struct {
	sha256 [32]byte
	made   bool
	tries  int           // of getting the index
	whole  release.Whole // why the index is of no use; then the rest is empty
	size   int64
	pieces []place
	bad    int // pieces that the base did not give up
}

// place is where a piece is.
type place struct {
	release.Piece
	base int64 // it begins there in the base; missing: it has to be fetched
}

const missing = -1

// maxBadPieces is how many pieces may be other than they were when the base was looked
// through, before nothing more is taken from it.
const maxBadPieces = 16

// left returns how many bytes behind have come over the link.
func (p *plan) left(have int64) int64 {
	if p.pieces == nil {
		return p.size - have
	}
	var n, end int64
	for _, q := range p.pieces {
		end += int64(q.Length)
		if q.base == missing && end > have {
			n += min(int64(q.Length), end-have)
		}
	}
	return n
}

// spoil notes that a piece is not in the base any more.
func (p *plan) spoil(i int) {
	p.pieces[i].base = missing
	if p.bad++; p.bad > maxBadPieces {
		for j := range p.pieces {
			p.pieces[j].base = missing
		}
	}
}

// planFor returns how to get the bundle of r. Its error is one of the link, or of ctx.
func (u *Updater) planFor(ctx context.Context, r *release.Release) (*plan, error) {
	if u.plan == nil || u.plan.sha256 != r.Content.SHA256 {
		u.plan = &plan{sha256: r.Content.SHA256, size: r.Content.Size}
	}
	p := u.plan
	if u.state().Whole == release.WholeDamaged {
		*p = plan{sha256: p.sha256, size: p.size, made: true, whole: release.WholeDamaged}
	}
	if p.made {
		return p, nil
	}
	base, err := os.Open(u.store.base())
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			u.c.Log.Warn("update: the bundle of before cannot be read", "err", err)
		}
		p.made, p.whole = true, release.WholeBase
		return p, nil
	}
	defer func() { _ = base.Close() }() // it is read only
	x, err := u.index(ctx, r)
	if errors.Is(err, ErrNoIndex) || errors.Is(err, release.ErrForm) {
		u.c.Log.Warn("update: the whole is fetched", "build", r.Build, "err", err)
		p.made, p.whole = true, release.WholeIndex
		return p, nil
	}
	if err != nil {
		if errors.Is(err, errPortalFails) { // a link that is gone is not the portal's fault
			p.tries++
		}
		if p.tries >= maxIndexTries {
			p.made, p.whole = true, release.WholeIndex
		}
		return nil, err
	}
	if err := p.look(ctx, x, base); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		// What was found before the medium failed is as good as any.
		u.c.Log.Warn("update: the bundle of before cannot be read to its end", "err", err)
	}
	p.made = true
	u.c.Log.Info("update: a difference is fetched", "build", r.Build, "bytes", p.left(0), "of", p.size)
	return p, nil
}

// look finds in the base the pieces that are wanted.
func (p *plan) look(ctx context.Context, x *release.Index, base *os.File) error {
	at := make(map[release.PieceDigest]int64, len(x.Pieces))
	for _, w := range x.Pieces {
		at[w.Digest] = missing
	}
	err := release.CutPieces(base, func(pos int64, b []byte) error {
		d := release.DigestPiece(b)
		if was, ok := at[d]; ok && was == missing {
			at[d] = pos
		}
		return ctx.Err()
	})
	p.pieces = make([]place, len(x.Pieces))
	found := false
	for i, w := range x.Pieces {
		p.pieces[i] = place{w, at[w.Digest]}
		found = found || at[w.Digest] != missing
	}
	if !found {
		p.whole, p.pieces = release.WholeBase, nil
	}
	if err != nil {
		return fmt.Errorf("update: look through the bundle of before: %w", err)
	}
	return nil
}

// index asks the portal what the bundle is made of.
func (u *Updater) index(ctx context.Context, r *release.Release) (*release.Index, error) {
	if u.c.Source == nil {
		return nil, errNoPortal
	}
	b, err := u.c.Source.Index(ctx, r.Content.SHA256, release.MaxIndex(r.Content.Size))
	u.brought += int64(len(b))
	if err != nil {
		return nil, err
	}
	return r.Content.ParseIndex(b)
}
