// Package cms makes and checks detached CMS signatures of one strict profile:
// CAdES-B (ETSI EN 319 122-1) over RFC 5652, in DER.
package cms
