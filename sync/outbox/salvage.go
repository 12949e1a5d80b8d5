package outbox

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/penjire/penjire/sync/journal"
)

// replace sets the broken file aside and puts a new one in its place, with a
// new epoch and with what could be saved, of the mirror too. At every moment
// there is a file under the outbox's name: first the broken one, then the new.
func (o *Outbox) replace(cause error) error {
	aside, err := keepAside(o.path, o.o.Now().UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	src := &sources{found: map[id]at{}, mustKiosk: o.o.Kiosk}
	err = src.file(aside)
	if err == nil {
		src.mirror(o.o)
		err = o.rebuild(src, cause)
	}
	err = errors.Join(err, src.close())
	if err != nil && sameFile(aside, o.path) { // as on a full disk: it is tried again, and would leave a name each time
		err = errors.Join(err, os.Remove(aside))
	}
	return err
}

// sameFile says whether both names are of one file.
func sameFile(a, b string) bool {
	x, errA := os.Lstat(a)
	y, errB := os.Lstat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// rebuild makes a new file of what the sources hold.
func (o *Outbox) rebuild(src *sources, cause error) error {
	return create(o.path, o.o, func(b *bolt.Tx, e Epoch) error {
		g := salvage{src: src, found: src.found, o: o, b: b, epoch: e, docs: map[Doc]bool{}, carried: map[id]bool{}, places: map[id]bool{}}
		return g.run(cause)
	})
}

// keepAside gives the file a second name, under which it stays.
func keepAside(path, when string) (string, error) {
	for i := range 100 {
		aside := path + asideExt + when
		if i > 0 {
			aside += fmt.Sprintf("-%d", i)
		}
		err := os.Link(path, aside)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("outbox: set the damaged file aside: %w", err)
		}
		return aside, syncDir(filepath.Dir(path))
	}
	return "", fmt.Errorf("outbox: set the damaged file aside: a hundred of that second exist")
}

// salvage carries values into a new file.
type salvage struct {
	src   *sources
	found map[id]at
	o     *Outbox
	b     *bolt.Tx
	epoch Epoch

	docs    map[Doc]bool
	carried map[id]bool // requests
	places  map[id]bool // identities that are taken; without fork
	lost    int         // requests whose sealed bytes, or whose own record, are gone
	edge    journal.Edge
	seq     uint64 // the last given in the new epoch
	job     uint64 // the highest print job that anything names
}

func (g *salvage) value(k id) (value, error) {
	w := g.found[k]
	return g.src.value(w)
}

func (g *salvage) put(bucket []byte, v value) error {
	if err := g.b.Bucket(bucket).Put(v.key(), v.marshal()); err != nil {
		return fmt.Errorf("outbox: salvage value %d of kind %d: %w", v.number, v.kind, err)
	}
	return nil
}

// told is what the saved journal says of a request.
type told struct {
	signed    *journal.Entry
	index     uint64
	withdrawn bool
}

func (g *salvage) run(cause error) error {
	tales := map[id]*told{}
	var kinds [kindPart + 1][]id
	var maxRev uint64
	for k, w := range g.found {
		kinds[k.kind] = append(kinds[k.kind], k)
		maxRev = max(maxRev, w.revision)
	}
	if err := g.note(cause, kinds[kindMeta]); err != nil {
		return err
	}
	for _, ids := range kinds { // the newest first: they keep their place
		slices.SortFunc(ids, func(a, b id) int { return cmp.Compare(g.found[b].revision, g.found[a].revision) })
	}
	for _, k := range kinds[kindJournal] {
		job, err := g.leaf(k, tales)
		if err != nil {
			return err
		}
		g.job = max(g.job, job)
	}
	if err := g.requests(kinds[kindRequest], tales); err != nil {
		return err
	}
	if err := g.orphans(slices.Concat(kinds[kindSealed], kinds[kindLarge]), tales); err != nil {
		return err
	}
	if err := g.items(kinds[kindItem]); err != nil {
		return err
	}
	if err := g.b.Bucket(bucketJournal).SetSequence(g.job); err != nil {
		return fmt.Errorf("outbox: salvage: %w", err)
	}
	m := meta{Kiosk: g.o.o.Kiosk, Created: toMilli(g.o.o.Now()), Alarms: []string{AlarmQuarantined}}
	if errors.Is(cause, errRecovered) {
		m.Alarms[0] = AlarmRecovered
	}
	if g.lost > 0 {
		m.Alarms = append(m.Alarms, AlarmLost)
	}
	p, err := encode(m)
	if err != nil {
		return err
	}
	if err := g.b.Bucket(bucketRequest).SetSequence(g.seq); err != nil {
		return fmt.Errorf("outbox: salvage: %w", err)
	}
	return g.put(bucketMeta, value{kind: kindMeta, epoch: g.epoch, revision: maxRev + 1, payload: p})
}

// requests carries requests over, on the cautious side: one that may have left
// did, and a paper that may have come out did.
func (g *salvage) requests(ids []id, tales map[id]*told) error {
	for _, k := range ids {
		v, err := g.value(k)
		if err != nil {
			return err
		}
		r, err := parseRequest(v.payload)
		if err != nil || g.docs[Doc(r.Doc)] {
			continue // see orphans
		}
		if t := tales[k]; t != nil && t.withdrawn && r.state() == Accepted {
			r.enter(Withdrawn, g.o.o.Now())
		}
		if err := g.request(k, v.revision, &r); err != nil {
			return err
		}
	}
	return nil
}

func (g *salvage) request(k id, revision uint64, r *request) error {
	g.docs[Doc(r.Doc)], g.carried[k] = true, true
	place, err := g.place(k, r)
	if err != nil {
		return err
	}
	if r.state() == Accepted {
		r.enter(Sending, g.o.o.Now())
	}
	for _, kind := range []uint8{PrintReceipt, PrintCopy} {
		g.job = max(g.job, *r.job(kind))
		if r.print(kind) != Printed { // also what was never queued: this may be an older copy
			r.setPrint(kind, Unknown)
		}
	}
	if r.Item != 0 && !g.hasItem(r.Item) {
		r.Item = 0 // the portal sends it again
	}
	if r.waits() {
		ok, err := g.sealed(k, place, r)
		if err != nil {
			return err
		}
		r.Lost = !ok && !r.large() // the file of a large one may come back
		if !ok {
			g.lost++
		}
	}
	return g.put(bucketRequest, value{kind: kindRequest, epoch: place.epoch, number: place.number, revision: revision, payload: r.append(nil)})
}

// place returns the identity of a request: its own, or, where two branches of
// one file gave it twice, one of the new epoch for the second.
func (g *salvage) place(k id, r *request) (id, error) {
	k.fork = 0
	if !g.places[k] {
		g.places[k] = true
		return k, nil
	}
	g.seq++
	index, err := g.append(journal.Entry{Kind: journal.DocSigned, At: fromMilli(r.Claimed), Boot: g.o.o.Boot, Fields: journal.Fields{
		Doc: r.Doc, Digest: r.Digest, Epoch: g.epoch[:], Seq: g.seq,
	}})
	root := g.edge.Root()
	r.Index, r.Root = index, root[:]
	return id{kind: k.kind, epoch: g.epoch, number: g.seq}, err
}

func (g *salvage) hasItem(number uint64) bool {
	for k := range g.found {
		if k.kind == kindItem && k.number == number {
			return true
		}
	}
	return false
}

// sealed carries the sealed bytes of a request over, if they are whole. Of a large one
// their file is named also where it is not.
func (g *salvage) sealed(k, place id, r *request) (bool, error) {
	if r.large() {
		ok, err := g.blob([32]byte(r.Digest), int64(r.Size))
		if err != nil {
			return false, err
		}
		revision := uint64(1)
		k.kind = kindLarge
		if w, there := g.found[k]; there {
			revision = w.revision
		}
		return ok, g.put(bucketSealed, value{
			kind: kindLarge, epoch: place.epoch, number: place.number, revision: revision,
			payload: marshalLarge(Doc(r.Doc), [32]byte(r.Digest), int64(r.Size)),
		})
	}
	k.kind = kindSealed
	if _, ok := g.found[k]; !ok {
		return false, nil
	}
	v, err := g.value(k)
	if err != nil {
		return false, err
	}
	if r.owns(v) != nil {
		return false, nil
	}
	v.epoch, v.number = place.epoch, place.number
	if v.beside() {
		return true, g.put(bucketRequest, v)
	}
	return true, g.put(bucketSealed, v)
}

// orphans makes requests anew whose own record is gone but whose sealed bytes
// are whole: they can still be sent, and the portal knows if it has them. Of
// one that was withdrawn the sealed bytes may stand on a free page; it stays
// withdrawn where the journal says so.
func (g *salvage) orphans(sealed []id, tales map[id]*told) error {
	for _, k := range sealed {
		of := id{kind: kindRequest, epoch: k.epoch, number: k.number, fork: k.fork}
		t := tales[of]
		if g.carried[of] || t != nil && t.withdrawn {
			continue
		}
		v, err := g.value(k)
		if err != nil {
			return err
		}
		doc, digest, size, err := sealedBy(v)
		if err != nil || g.docs[doc] {
			continue
		}
		r := request{Doc: doc[:], Service: "unknown", Digest: digest[:], Size: int(size), Root: make([]byte, 32), Receipt: Unknown}
		when := g.o.o.Now()
		if t != nil && t.signed != nil {
			when, r.Index = t.signed.At, int64(t.index)
		}
		r.Claimed = toMilli(when)
		r.enter(Accepted, when)
		if err := g.request(of, v.revision, &r); err != nil {
			return err
		}
	}
	for of, t := range tales {
		if t.signed != nil && !t.withdrawn && !g.carried[of] {
			g.lost++ // receipted long ago, perhaps: the journal alone cannot tell
		}
	}
	return nil
}

// sealedBy returns what a value says of the sealed bytes that it holds or names.
func sealedBy(v value) (doc Doc, digest [32]byte, size int64, err error) {
	if v.kind == kindLarge {
		return parseLarge(v.payload)
	}
	doc, b, err := parseSealed(v.payload)
	return doc, sha256.Sum256(b), int64(len(b)), err
}

// items carries what came down over. The cursor begins at 0 again: which items
// are missing is not known here, and the portal has them all.
func (g *salvage) items(ids []id) error {
	best := map[uint64]uint64{} // revision by number, where epochs hold the same
	for _, k := range ids {
		v, err := g.value(k)
		if err != nil {
			return err
		}
		if _, err := parseItem(v.payload, false); err != nil {
			continue
		}
		if r, ok := best[k.number]; ok && r > v.revision {
			continue
		}
		best[k.number] = v.revision
		if err := g.put(bucketItem, v); err != nil {
			return err
		}
	}
	return nil
}
