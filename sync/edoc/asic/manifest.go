package asic

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Object is one file that a manifest, and so a signature, covers.
type Object struct {
	URI       string // its name in the container
	MediaType string
	Root      bool // the file to open first
	SHA256    [32]byte
}

// Manifest is an ASiCManifest: what one signature covers. Its bytes are what is
// signed, so it has one form, which Marshal writes and ParseManifest demands:
// no XML reader decides what it says.
type Manifest struct {
	Signature string // name of the signature's file
	Objects   []Object
}

// ManifestName and SignatureName are the names of the nth pair, from 1.
func ManifestName(n int) string { return fmt.Sprintf("META-INF/ASiCManifest%03d.xml", n) }

// SignatureName is described at ManifestName.
func SignatureName(n int) string { return fmt.Sprintf("META-INF/signature%03d.p7s", n) }

const (
	manifestHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">` + "\n"
	sigRefHead = ` <asic:SigReference URI="`
	sigRefTail = `" MimeType="application/pkcs7-signature"/>` + "\n"
	objectHead = ` <asic:DataObjectReference URI="`
	objectMime = `" MimeType="`
	objectRoot = `" Rootfile="true">` + "\n"
	objectLeaf = `">` + "\n"
	digestHead = `  <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>` + "\n" + `  <ds:DigestValue>`
	objectTail = `</ds:DigestValue>` + "\n" + ` </asic:DataObjectReference>` + "\n"
	manifestTl = `</asic:ASiCManifest>` + "\n"
)

// Marshal returns the manifest as XML.
func (m Manifest) Marshal() ([]byte, error) {
	if err := CheckName(m.Signature); err != nil {
		return nil, fmt.Errorf("asic: write manifest: %w", err)
	}
	if len(m.Objects) == 0 || len(m.Objects) > MaxEntries {
		return nil, fmt.Errorf("asic: write manifest: got %d objects, want 1 to %d", len(m.Objects), MaxEntries)
	}
	var b bytes.Buffer
	b.WriteString(manifestHead + sigRefHead + m.Signature + sigRefTail)
	for i, o := range m.Objects {
		if err := CheckName(o.URI); err != nil {
			return nil, fmt.Errorf("asic: write manifest: %w", err)
		}
		if !mediaType(o.MediaType) {
			return nil, fmt.Errorf("asic: write manifest: object %d: the media type is malformed", i)
		}
		b.WriteString(objectHead + o.URI + objectMime + o.MediaType)
		if o.Root {
			b.WriteString(objectRoot)
		} else {
			b.WriteString(objectLeaf)
		}
		b.WriteString(digestHead + base64.StdEncoding.EncodeToString(o.SHA256[:]) + objectTail)
	}
	b.WriteString(manifestTl)
	return b.Bytes(), nil
}

// ParseManifest reads a manifest that is, byte for byte, what Marshal writes.
func ParseManifest(b []byte) (Manifest, error) {
	m, ok := parseManifest(string(b))
	if !ok {
		return Manifest{}, errors.New("asic: read manifest: it does not have the fixed form")
	}
	again, err := m.Marshal()
	if err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(again, b) {
		return Manifest{}, errors.New("asic: read manifest: it does not have the fixed form")
	}
	return m, nil
}

func parseManifest(s string) (m Manifest, ok bool) {
	cut := func(head, until string) (v string) {
		if ok {
			if s, ok = strings.CutPrefix(s, head); ok {
				if v, s, ok = strings.Cut(s, until); ok {
					s = until + s
				}
			}
		}
		return v
	}
	ok = true
	m.Signature = cut(manifestHead+sigRefHead, `"`)
	s = strings.TrimPrefix(s, sigRefTail)
	for ok && strings.HasPrefix(s, objectHead) {
		var o Object
		o.URI = cut(objectHead, `"`)
		o.MediaType = cut(objectMime, `"`)
		if rest, root := strings.CutPrefix(s, objectRoot); root {
			s, o.Root = rest, true
		} else {
			s = strings.TrimPrefix(s, objectLeaf)
		}
		sum, err := base64.StdEncoding.Strict().DecodeString(cut(digestHead, `<`))
		if err != nil || len(sum) != sha256.Size {
			return m, false
		}
		copy(o.SHA256[:], sum)
		s = strings.TrimPrefix(s, objectTail)
		m.Objects = append(m.Objects, o)
		ok = ok && len(m.Objects) <= MaxEntries
	}
	return m, ok && s == manifestTl
}

// mediaType reports whether s is type/subtype in the characters of RFC 6838.
func mediaType(s string) bool {
	major, minor, ok := strings.Cut(s, "/")
	if !ok || major == "" || minor == "" || len(s) > 100 {
		return false
	}
	for _, c := range major + minor {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && !strings.ContainsRune("!#$^_.+-", c) {
			return false
		}
	}
	return true
}
