package archive

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/ledger"
)

// IndexName is the file of an export that says what the others are.
const IndexName = "index.csv"

// columns of the index. One line is one document; a form that is not there has an
// empty name. Times are RFC 3339, UTC; one that is not known is empty.
var columns = []string{
	"document", "code", "state", "service",
	"origin", "channel", "destination", "sender", "addressee",
	"made", "sent", "received", "registered", "answered", "answer_received",
	"as_received", "as_received_sha256", "raised", "raised_sha256", "answer", "answer_sha256",
	"digest_of_envelope", "seal",
}

// Exported is how an export ended.
type Exported struct {
	Documents int      // written
	Files     int      // besides the index
	Missing   []string // what could not be written, and why; it names no person
}

// ExportDocs writes these documents into dir as ExportAll does.
func (a *Archive) ExportDocs(ctx context.Context, dir string, docs ...ledger.Doc) (Exported, error) {
	return a.export(ctx, dir, func(each func(ledger.Doc) error) error {
		for _, d := range docs {
			if err := each(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// ExportAll writes every registered document into dir, which must be new or
// empty, in each form that is kept (ED-13): as it was received, byte for byte;
// raised, with the time stamp; and the agency's answer. The index says of each
// where it came from, where it went and when, and the digest of every file.
// Names of files hold the document's id and name no one; the index names sender
// and addressee.
func (a *Archive) ExportAll(ctx context.Context, dir string) (Exported, error) {
	return a.export(ctx, dir, func(each func(ledger.Doc) error) error {
		after := uint64(0)
		for {
			page, err := a.Ledger.DocsAfter(ctx, after, pageSize)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, d := range page {
				after = d.Number
				if err := each(d.Doc); err != nil {
					return err
				}
			}
		}
	})
}

func (a *Archive) export(ctx context.Context, dir string, docs func(func(ledger.Doc) error) error) (e Exported, err error) {
	if err := emptyFolder(dir); err != nil {
		return e, err
	}
	f, err := os.OpenFile(filepath.Join(dir, IndexName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return e, fmt.Errorf("archive: write the index: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := csv.NewWriter(f)
	if err := w.Write(columns); err != nil {
		return e, fmt.Errorf("archive: write the index: %w", err)
	}
	err = docs(func(doc ledger.Doc) error {
		q, err := a.Ledger.Get(ctx, doc)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // one that cannot be read does not keep the others here
			e.Missing = append(e.Missing, fmt.Sprintf("document %s: %v", hex.EncodeToString(doc[:]), err))
			return nil
		case q.Container == nil:
			e.Missing = append(e.Missing, fmt.Sprintf("document %s is %s and was not registered", hex.EncodeToString(doc[:]), q.State))
			return nil
		}
		line, err := a.put(ctx, dir, q, &e)
		if err != nil {
			return err
		}
		e.Documents++
		return w.Write(line)
	})
	w.Flush()
	if err = errors.Join(err, w.Error(), f.Sync()); err != nil {
		return e, fmt.Errorf("archive: export: %w", err)
	}
	return e, nil
}

// put writes the forms of one document and returns its line of the index.
func (a *Archive) put(ctx context.Context, dir string, q ledger.Request, e *Exported) ([]string, error) {
	id := hex.EncodeToString(q.Doc[:])
	var sender, addressee string
	if c, err := edoc.Parse(q.Container); err == nil {
		d := c.Document()
		sender, addressee = partyName(d.Sender), partyName(d.Addressee)
	}
	original, digest, err := a.original(ctx, q)
	if err != nil {
		e.Missing = append(e.Missing, fmt.Sprintf("document %s as received: %v", id, err))
	}
	line := []string{
		id, q.Code, string(q.State), q.Service, q.Kiosk, q.Channel, q.Agency, sender, addressee,
		when(q.Claimed), when(q.Sent), when(q.Received), when(q.Registered),
	}
	var answer []byte
	sealed := ""
	if q.Answer != nil {
		answer, sealed = q.Answer.Container, q.Answer.Seal
		line = append(line, when(q.Answer.At), when(q.Answer.Received))
	} else {
		line = append(line, "", "")
	}
	for _, f := range []struct {
		name string
		b    []byte
	}{{id + ".asice", original}, {id + ".raised.asice", q.Container}, {id + ".answer.asice", answer}} {
		if f.b == nil {
			line = append(line, "", "")
			continue
		}
		if err := writeNew(filepath.Join(dir, f.name), f.b); err != nil {
			return nil, err
		}
		e.Files++
		sum := sha256.Sum256(f.b)
		line = append(line, f.name, hex.EncodeToString(sum[:]))
	}
	return append(line, digest, sealed), nil
}

// original returns the document as it was received, and the digest of the
// envelope it came in. What was registered before originals were kept is taken
// out of its envelope, as long as there is a key for that.
func (a *Archive) original(ctx context.Context, q ledger.Request) ([]byte, string, error) {
	r, err := a.Ledger.BroughtBy(ctx, q.Doc)
	if err != nil {
		return q.Original, "", fmt.Errorf("its envelope: %w", err)
	}
	digest := hex.EncodeToString(r.Digest[:])
	if sha256.Sum256(r.Sealed) != r.Digest {
		return q.Original, digest, errors.New("its envelope is damaged")
	}
	if q.Original != nil {
		return q.Original, digest, nil
	}
	find := envelope.Dictionaries(func(id uint32) (*envelope.Dictionary, error) {
		b, err := a.Ledger.Dictionary(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil, nil // what it means that there is none, Open says
		}
		if err != nil {
			return nil, err
		}
		return envelope.ParseDictionary(b)
	})
	plain, err := find.Open(r.Sealed, a.Identities...)
	if err != nil {
		return nil, digest, fmt.Errorf("it is in its envelope only: %w", err)
	}
	return plain, digest, nil
}

func partyName(p edoc.Party) string {
	return strings.Join(strings.Fields(strings.Join([]string{p.Surname.Reveal(), p.Name.Reveal(), p.Patronymic.Reveal(), p.Organisation}, " ")), " ")
}

func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// emptyFolder makes dir, or wants it to be empty: an export is never mixed with
// another.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("archive: make the folder: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("archive: look into the folder: %w", err)
	}
	defer func() { _ = d.Close() }() // nothing was written
	switch names, err := d.Readdirnames(1); {
	case len(names) > 0:
		return fmt.Errorf("archive: the folder %s is not empty", dir)
	case err != nil && !errors.Is(err, io.EOF):
		return fmt.Errorf("archive: look into the folder: %w", err)
	}
	return nil
}

func writeNew(name string, b []byte) (err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(b)
	return err
}
