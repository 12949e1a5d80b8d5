// Package spdx writes what an image is made of as a bill of materials.
//
// # Reference
//
// SPDX 2.3, JSON; package URLs (purl) of the types deb and golang.
package spdx

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Package is one thing that the image is made of.
type Package struct {
	Name, Version string
	SHA256        string // of what was put in; "": not known
	PURL          string // package URL
	Supplier      string
}

// Deb returns a package of Debian's.
func Deb(name, version, arch, sha256 string) Package {
	return Package{
		Name: name, Version: version, SHA256: sha256, Supplier: "Organization: Debian",
		PURL: fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s", url.PathEscape(name), url.QueryEscape(version), arch),
	}
}

// Modules returns the Go modules that the program at path is built from.
func Modules(path string) ([]Package, error) {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("spdx: %w", err)
	}
	ps := []Package{{Name: "Go standard library", Version: info.GoVersion, PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		ps = append(ps, Package{Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + strings.ToLower(m.Path) + "@" + url.QueryEscape(m.Version)})
	}
	return ps, nil
}

// Document writes the bill of the image called name, of the given version, made at
// that time. Packages that are there twice are once in it. The same packages give
// the same bytes.
func Document(name, version string, at time.Time, ps []Package) ([]byte, error) {
	ps = slices.Clone(ps)
	slices.SortFunc(ps, func(a, b Package) int { return cmp.Or(cmp.Compare(a.PURL, b.PURL), cmp.Compare(a.SHA256, b.SHA256)) })
	ps = slices.Compact(ps)
	type m = map[string]any
	const none = "NOASSERTION"
	packages := []m{{
		"SPDXID": "SPDXRef-image", "name": name, "versionInfo": version, "downloadLocation": none, "filesAnalyzed": false,
		"primaryPackagePurpose": "OPERATING_SYSTEM", // so in the schema of the JSON; with a hyphen elsewhere
	}}
	relations := []m{{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-image"}}
	for i, p := range ps {
		id := fmt.Sprintf("SPDXRef-%d", i+1)
		e := m{
			"SPDXID": id, "name": p.Name, "versionInfo": p.Version, "downloadLocation": none, "filesAnalyzed": false,
			"externalRefs": []m{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": p.PURL}},
		}
		if p.SHA256 != "" {
			e["checksums"] = []m{{"algorithm": "SHA256", "checksumValue": p.SHA256}}
		}
		if p.Supplier != "" {
			e["supplier"] = p.Supplier
		}
		packages = append(packages, e)
		relations = append(relations, m{"spdxElementId": "SPDXRef-image", "relationshipType": "CONTAINS", "relatedSpdxElement": id})
	}
	b, err := json.MarshalIndent(m{
		"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": name + " " + version,
		"documentNamespace": "https://github.com/penjire/penjire/sbom/" + url.PathEscape(name+"-"+version),
		"creationInfo":      m{"created": at.UTC().Format(time.RFC3339), "creators": []string{"Tool: penjire-mkimage"}},
		"packages":          packages, "relationships": relations,
	}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("spdx: %w", err)
	}
	return append(b, '\n'), nil
}
