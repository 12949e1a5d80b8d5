package edoc_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/asic"
	"github.com/penjire/penjire/sync/edoc/cms"
	"github.com/penjire/penjire/sync/edoc/seal"
	"github.com/penjire/penjire/sync/edoc/trust"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// The classes of hostile inputs. A vector of a class has the header "class".
var hostileClasses = []string{
	"forgery",     // of those that general libraries accepted
	"zip",         // two readers could see two things, or one fall ill
	"name",        // of an entry
	"manifest",    // covers something else than it seems
	"document",    // JSON that two readers could read differently
	"encoding",    // CMS that is not the one encoding
	"attribute",   // missing, doubled, moved, contradictory
	"algorithm",   // keys, digests, signatures out of the ordinary
	"certificate", // whose signature it is, and when
	"token",       // time stamps
	"trust",       // bundles, objects, revocation lists
	"seal",        // on paper
}

// older are the hostile vectors that were there before the header "class".
var older = map[string]string{
	"forgery": "signature-forged-attributes token-forged-key verify-backdated",
	"zip": `zip-mimetype-missing zip-mimetype-late zip-mimetype-other zip-prefix zip-suffix zip-cut zip-directory-differs zip-streamed
		zip-extra zip-comment zip-encrypted zip-link zip-method zip-many zip-bomb zip-bomb-large zip-checksum
		structure-unknown structure-unsigned structure-order structure-smuggled`,
	"name":     "zip-name-parent zip-name-absolute zip-name-backslash zip-name-nul zip-name-hidden zip-name-folder zip-name-case zip-name-twice",
	"manifest": "manifest-comment manifest-doctype manifest-entity manifest-name manifest-sha1 manifest-space manifest-root manifest-signature container-changed container-attachment-changed container-attachment-missing",
	"document": `document-case document-decision document-escape document-follows document-identifier document-indent document-order document-schema
		document-secret-too document-secret-zero document-time-zone document-twice document-unknown document-utf8`,
	"encoding":  "signature-ber signature-trailing signature-two-signers signature-no-signer signature-version signature-attached signature-unsigned-attribute signature-unsigned-empty",
	"attribute": "signature-attribute-order signature-attribute-twice signature-attribute-two-values signature-no-certificate-attribute signature-no-content-type signature-no-digest signature-other-certificate signature-no-certificate",
	"algorithm": "signature-ed25519 signature-rsa-1024 signature-sha1 signature-value",
	"certificate": `verify-answer-by-citizen verify-answer-by-other verify-expired verify-foreign verify-impersonation verify-kiosk-other verify-kiosk-tls-key
		verify-login-key verify-request-by-agency verify-revoked verify-revoked-since verify-suspended verify-signature-of-other`,
	"token": "token-imprint token-late token-stranger token-usage verify-stamp-foreign verify-stamp-of-other",
	"trust": "bundle-by-portal bundle-crl-delta bundle-crl-stranger bundle-late bundle-revokes-register bundle-rollback bundle-stranger bundle-unknown-key object-device object-indefinite object-kind object-portal object-renamed",
	"seal":  "seal-broken seal-by-kiosk seal-changed seal-expired seal-other-agency seal-padded seal-receipt-with-subject seal-revoked seal-spelling seal-stranger seal-untagged",
}

// hostile writes a vector of a hostile input. why is a part of the reader's
// error, so that it is refused for what it is made for and not for a slip in
// making it; "" where the reason code says it, or where it is not refused.
func (m *maker) hostile(class, name, kind, spec, expect, why, story string, body []byte, more ...string) {
	m.t.Helper()
	if _, err := os.Stat(filepath.Join(m.dir, name+".txt")); err == nil {
		m.t.Errorf("%s is there already", name)
	}
	more = append([]string{"class: " + class}, more...)
	if why != "" {
		more = append(more, "why: "+why)
	}
	m.add(name, kind, spec, expect, story, body, more...)
	v := vector{name: name, header: map[string]string{"kind": kind}, body: body}
	for _, line := range more {
		key, value, _ := strings.Cut(line, ": ")
		v.header[key] = value
	}
	if err := m.out.wrongReason(v); err != nil {
		m.t.Error(err)
	}
}

// wrongReason says so if the vector is refused for another reason than it names.
func (w *vectorWorld) wrongReason(v vector) error {
	why := v.header["why"]
	if why == "" {
		return nil
	}
	err := w.refusal(v)
	if err == nil || !strings.Contains(err.Error(), why) {
		return fmt.Errorf("%s: refused with %w, want «%s»", v.name, err, why)
	}
	return nil
}

// refusal returns the error with which a reader refuses the vector.
func (w *vectorWorld) refusal(v vector) (err error) {
	switch v.header["kind"] {
	case "container":
		var c *edoc.Container
		if c, err = edoc.Parse(v.body); err == nil {
			_, err = c.Signatures()[0].Verify(c.Manifest(), w.bundle.Agencies...)
		}
	case "document":
		_, err = edoc.ParseDocument(v.body)
	case "manifest":
		_, err = asic.ParseManifest(v.body)
	case "signature":
		var content []byte
		if content, err = base64.StdEncoding.DecodeString(v.header["content"]); err != nil {
			return err
		}
		var sd *cms.SignedData
		if sd, err = cms.Parse(v.body); err == nil {
			_, err = sd.Verify(content)
		}
	case "token":
		var t *tsp.Token
		if t, err = tsp.Parse(v.body); err == nil {
			var id edoc.ID
			if id, err = edoc.ParseID(v.header["imprint"]); err == nil {
				_, err = t.Verify(id, w.bundle.TSA)
			}
		}
	case "bundle":
		_, err = trust.ParseBundle(v.body, w.roots, 0)
	case "object":
		_, _, err = trust.OpenObject(v.header["object"], v.body, w.bundle)
	case "seal":
		_, err = seal.Parse(string(v.body))
	}
	return err
}

// hostiles makes every vector of the files vectors_hostile_*_test.go.
func (m *maker) hostiles() {
	m.hostileZips()
	m.hostileNames()
	m.hostileManifests()
	m.hostileDocuments()
	m.hostileEncodings()
	m.hostileAttributes()
	m.hostileAlgorithms()
	m.hostileCertificates()
	m.hostileTokens()
	m.hostileTrust()
	m.hostileSeals()
}

// TestHostileVectors counts the hostile inputs by class, and sees each refused
// for its own reason. That what they expect comes about is TestVectors' business.
func TestHostileVectors(t *testing.T) {
	w, err := readWorld(vectorsDir)
	if err != nil {
		t.Fatal(err)
	}
	list := vectors(t)
	byName := map[string]vector{}
	count := map[string]int{}
	for _, v := range list {
		byName[v.name] = v
		if c := v.header["class"]; c != "" {
			if !slices.Contains(hostileClasses, c) {
				t.Errorf("%s is of class %q, which is not known", v.name, c)
			}
			count[c]++
		}
		if err := w.wrongReason(v); err != nil {
			t.Error(err)
		}
	}
	for class, names := range older {
		for name := range strings.FieldsSeq(names) {
			switch v := byName[name]; {
			case v.header == nil:
				t.Errorf("%s: %s is not there", class, name)
			case v.header["class"] != "":
				t.Errorf("%s: counted twice", name)
			default:
				count[class]++
			}
		}
	}
	total := 0
	for _, c := range hostileClasses {
		t.Logf("%4d %s", count[c], c)
		total += count[c]
	}
	t.Logf("%4d hostile inputs, of %d vectors", total, len(list))
	if count["forgery"] < 3 || total-count["forgery"] < 60 {
		t.Errorf("got %d forgeries and %d further hostile inputs, want 3 and 60 or more", count["forgery"], total-count["forgery"])
	}
}
