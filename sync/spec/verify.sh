#!/bin/sh
# verify.sh: checks an e-document with nothing of ours: unzip, xmllint, openssl.
#
#   sh verify.sh FILE CENTRES.pem [CRLS.pem]
#
# FILE is the container, CENTRES.pem the certificates of the root and of the
# certification centres that you believe, CRLS.pem their revocation lists.
# With AT=UNIXTIME certificates are checked as of that time, else as of now, or
# of the time stamp where there is a good one. Without CRLS.pem the lists that the
# document itself carries (level B-LT) are used.
#
# It says «whole» (every digest and signature fits), who signed, and when, who
# counter-signed, and how old the lists of revocations are; exit status 0.
# Anything else is wrong: 1 the container, 2 how it was called, 3 a digest, 4 a
# signature, certificate or revocation, 5 a time stamp.
#
# What it does not do: compare the signer with the sender, and read the lists of
# agencies and kiosks. «penjire verify FILE» does. What each step proves:
# verify.md. Rules: edoc.md.
set -eu
[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: sh verify.sh FILE CENTRES.pem [CRLS.pem]" >&2; exit 2; }
for tool in unzip xmllint openssl; do
	command -v "$tool" >/dev/null || { echo "verify.sh: $tool is not installed" >&2; exit 2; }
done
file=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat "$2" >"$dir/trust.pem"
lists=
[ $# -eq 2 ] || lists=$(realpath "$3")
# A part of a DER file: offset, header and length as asn1parse gives them.
field() { sed -n 's/^ *\([0-9]*\):d=[0-9]* *hl=\([0-9]*\) *l= *\([0-9]*\) .*/\1 \2 \3/p'; }
cut_out() { tail -c +$(($2 + 1)) "$1" | head -c $(($3 + $4)); }
bad() { echo "verify.sh: $2" >&2; exit "$1"; }

# 1. The container: only the names the rules know, mimetype first.
names=$(unzip -Z1 "$file") || bad 1 "it is not a zip"
echo "$names" | awk '
	NR == 1 { if ($0 != "mimetype") exit 1; next }
	NR == 2 { if ($0 != "document.json") exit 1; next }
	/^attachments\/[A-Za-z0-9_][A-Za-z0-9._-]*$/ { next }
	/^META-INF\/(ASiCManifest[0-9][0-9][0-9]\.xml|signature[0-9][0-9][0-9]\.p7s)$/ { next }
	{ exit 1 }' || bad 1 "it holds files that do not belong there"
[ -z "$(echo "$names" | tr A-Z a-z | sort | uniq -d)" ] || bad 1 "two files have one name"
mkdir "$dir/c"
unzip -q "$file" -d "$dir/c" || bad 1 "it does not unpack"
cd "$dir/c"
[ "$(cat mimetype)" = application/vnd.etsi.asic-e+zip ] || bad 1 "its mimetype is another"
[ -f META-INF/ASiCManifest001.xml ] || bad 1 "it has no manifest"

for manifest in META-INF/ASiCManifest*.xml; do
	x() { xmllint --nonet --xpath "$1" "$manifest"; }
	# 2. Every digest, and that nothing is left out.
	signature=$(x 'string(//*[local-name()="SigReference"]/@URI)') || bad 1 "$manifest is not XML"
	count=$(x 'count(//*[local-name()="DataObjectReference"])')
	covered=
	i=1
	while [ "$i" -le "$count" ]; do
		object="//*[local-name()='DataObjectReference'][$i]"
		uri=$(x "string($object/@URI)")
		want=$(x "string($object/*[local-name()='DigestValue'])")
		[ -f "$uri" ] || bad 3 "$manifest names $uri, which is not there"
		got=$(openssl dgst -sha256 -binary "$uri" | openssl base64 -A)
		[ "$want" = "$got" ] || bad 3 "$uri is not what was signed"
		covered="$covered $uri "
		i=$((i + 1))
	done
	for f in document.json $(find attachments -type f 2>/dev/null); do
		case $covered in *" $f "*) ;; *) bad 3 "$manifest does not cover $f" ;; esac
	done

	# 3. The time stamp, if there is one: over the value of the signature.
	openssl asn1parse -inform DER -in "$signature" >"$dir/asn1" || bad 4 "$signature is not DER"
	set -- $(grep ':d=5 .*OCTET STRING' "$dir/asn1" | tail -n 1 | field)
	[ $# -eq 3 ] || bad 4 "$signature has no value"
	cut_out "$signature" $(($1 + $2)) 0 "$3" >"$dir/value"
	when=${AT:-}
	stamped="claimed by the signer alone"
	offset=$(awk -F: '/id-smime-aa-timeStampToken/ {f = 1; next} f && /SEQUENCE/ {print $1 + 0; exit}' "$dir/asn1")
	if [ -n "$offset" ]; then
		openssl asn1parse -inform DER -in "$signature" -strparse "$offset" -noout -out "$dir/token"
		openssl ts -verify -token_in -in "$dir/token" -data "$dir/value" -CAfile "$dir/trust.pem" ${AT:+-attime "$AT"} \
			>/dev/null 2>"$dir/err" || { cat "$dir/err" >&2; bad 5 "the time stamp of $signature is not in order"; }
		stamped=$(openssl ts -reply -token_in -in "$dir/token" -text 2>/dev/null | sed -n 's/^Time stamp: //p')
		[ -n "$when" ] || when=$(date -d "$stamped" +%s)
		stamped="stamped $stamped"
	fi

	# 4. The signature and the certificate, as of then. CAdES: the signature names
	# the certificate it is to be checked with.
	cms() {
		openssl cms -verify -cades -inform DER -in "$signature" -content "$manifest" -binary -CAfile "$dir/trust.pem" \
			-out /dev/null -signer "$dir/signer.pem" -certsout "$dir/certs.pem" "$@" 2>"$dir/err"
	}
	cms ${when:+-attime "$when"} || { cat "$dir/err" >&2; bad 4 "$signature is not in order"; }
	# openssl takes a signature without signed attributes; the rules do not.
	grep -q ':id-smime-aa-signingCertificateV2' "$dir/asn1" || bad 4 "$signature does not name its certificate"
	echo "signed: $(openssl x509 -in "$dir/signer.pem" -noout -subject -nameopt utf8,sep_comma_plus)"
	echo "when:   $stamped"

	# 5. Revocation: by the lists given, else by those that the signature carries.
	# A list made after the signing tells more, so the time is not looked at, but
	# a certificate cancelled after a time stamp was good when it was used.
	: >"$dir/crls.pem"
	if [ -n "$lists" ]; then
		cat "$lists" >"$dir/crls.pem"
	else
		awk '/:d=3 /{inside = /cont \[ 1 \]/} inside && /:d=4 .*SEQUENCE/' "$dir/asn1" | field | while read -r o h l; do
			cut_out "$signature" "$o" "$h" "$l" | openssl crl -inform DER >>"$dir/crls.pem"
		done
	fi
	if [ -s "$dir/crls.pem" ]; then
		cat "$dir/crls.pem" "$dir/trust.pem" >"$dir/both.pem"
		serial=$(openssl x509 -in "$dir/signer.pem" -noout -serial | cut -d= -f2)
		issuer=$(openssl x509 -in "$dir/signer.pem" -noout -issuer)
		rm -f "$dir"/crl.*
		awk -v d="$dir" '/BEGIN X509 CRL/ {n++} {print > (d "/crl." n)}' "$dir/crls.pem"
		for l in "$dir"/crl.*; do
			[ "$(openssl crl -in "$l" -noout -issuer)" = "$issuer" ] || continue
			echo "lists:  revocations as of $(openssl crl -in "$l" -noout -lastupdate | cut -d= -f2)"
			cancelled=$(openssl crl -in "$l" -noout -text | sed -n "/Serial Number: $serial\$/{n;s/.*Revocation Date: //p;}")
		done
		if ! openssl verify -crl_check -no_check_time -purpose any -CAfile "$dir/both.pem" "$dir/signer.pem" >"$dir/err" 2>&1; then
			[ -n "$offset" ] && [ -n "${cancelled:-}" ] && [ "$(date -d "$cancelled" +%s)" -gt "$when" ] ||
				{ cat "$dir/err" >&2; bad 4 "the certificate of $signature is revoked, or no list speaks of it"; }
			echo "later:  the certificate was cancelled on $cancelled, after the time stamp"
		fi
	else
		echo "lists:  none: nothing is known of revocations"
	fi

	# 6. Counter-signatures: each over the value of the signature.
	grep -A2 ':countersignature' "$dir/asn1" | grep SEQUENCE | field | while read -r o h l; do
		cut_out "$signature" "$o" "$h" "$l" >"$dir/counter"
		openssl asn1parse -inform DER -in "$dir/counter" >"$dir/asn2"
		hash=$(awk -F: '/:d=2 .*OBJECT/ {print $NF; exit}' "$dir/asn2")
		number=$(awk -F: '/:d=2 .*INTEGER/ {print $NF; exit}' "$dir/asn2")
		set -- $(grep ':d=1 .*cont \[ 0 \]' "$dir/asn2" | field)
		{ printf '\061'; cut_out "$dir/counter" $(($1 + 1)) $(($2 - 1)) "$3"; } >"$dir/attributes"
		set -- $(grep ':d=1 .*OCTET STRING' "$dir/asn2" | field)
		cut_out "$dir/counter" $(($1 + $2)) 0 "$3" >"$dir/countervalue"
		want=$(openssl dgst "-$hash" -r "$dir/value" | cut -d' ' -f1 | tr a-f A-F)
		grep -A2 ':messageDigest' "$dir/asn2" | grep -q "\[HEX DUMP\]:$want\$" || bad 4 "a counter-signature is over something else"
		rm -f "$dir"/cert.*
		awk -v d="$dir" '/BEGIN CERT/ {n++} {print > (d "/cert." n)}' "$dir/certs.pem"
		by=
		for c in "$dir"/cert.*; do
			[ "$(openssl x509 -in "$c" -noout -serial)" = "serial=$number" ] && by=$c
		done
		[ -n "$by" ] || bad 4 "the certificate of a counter-signature is not there"
		openssl x509 -in "$by" -noout -pubkey >"$dir/key.pem"
		openssl dgst "-$hash" -verify "$dir/key.pem" -signature "$dir/countervalue" "$dir/attributes" >/dev/null ||
			bad 4 "a counter-signature does not verify"
		openssl verify -purpose any -CAfile "$dir/trust.pem" ${when:+-attime "$when"} "$by" >/dev/null 2>"$dir/err" ||
			{ cat "$dir/err" >&2; bad 4 "the certificate of a counter-signature is not in order"; }
		echo "countersigned: $(openssl x509 -in "$by" -noout -subject -nameopt utf8,sep_comma_plus)"
	done || exit $?
done
echo "whole:  document $(openssl dgst -sha256 -r META-INF/ASiCManifest001.xml | cut -d' ' -f1)"
