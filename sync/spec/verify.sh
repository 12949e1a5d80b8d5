#!/bin/sh
# verify.sh: checks an e-document with nothing of ours: unzip, xmllint, openssl.
#
#   sh verify.sh FILE CENTRES.pem [CRLS.pem]
#
# FILE is the container, CENTRES.pem the certificates of the root and of the
# certification centres that you believe, CRLS.pem their revocation lists.
# With AT=UNIXTIME certificates are checked as of that time, else as of now, or
# of the time stamp where there is a good one.
#
# It says «whole» (every digest and signature fits), who signed, and when; exit
# status 0. Anything else is wrong: 1 the container, 2 how it was called, 3 a
# digest, 4 a signature, certificate or revocation, 5 a time stamp.
#
# What it does not do: compare the signer with the sender, and read the lists of
# agencies and kiosks. «penjire verify FILE» does. Rules: edoc.md.
set -eu
[ $# -eq 2 ] || [ $# -eq 3 ] || { echo "usage: sh verify.sh FILE CENTRES.pem [CRLS.pem]" >&2; exit 2; }
for tool in unzip xmllint openssl; do
	command -v "$tool" >/dev/null || { echo "verify.sh: $tool is not installed" >&2; exit 2; }
done
file=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat "$2" >"$dir/trust.pem"
crl=
if [ $# -eq 3 ]; then
	cat "$3" >>"$dir/trust.pem"
	crl=-crl_check
fi
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
	when=${AT:-}
	stamped="claimed by the signer alone"
	offset=$(awk -F: '/id-smime-aa-timeStampToken/ {f = 1; next} f && /SEQUENCE/ {print $1 + 0; exit}' "$dir/asn1")
	if [ -n "$offset" ]; then
		# offset, header and length of the signature: the last octets before.
		set -- $(awk '/id-smime-aa-timeStampToken/ {print o, h, l; exit}
			/d=5 .*OCTET STRING/ {split($0, p, ":"); o = p[1] + 0; match($0, /hl=[0-9]+/); h = substr($0, RSTART + 3, RLENGTH - 3)
				match($0, /l= *[0-9]+ prim/); l = substr($0, RSTART + 2, RLENGTH - 7) + 0}' "$dir/asn1")
		tail -c +$(($1 + $2 + 1)) "$signature" | head -c "$3" >"$dir/value"
		openssl asn1parse -inform DER -in "$signature" -strparse "$offset" -noout -out "$dir/token"
		openssl ts -verify -token_in -in "$dir/token" -data "$dir/value" -CAfile "$dir/trust.pem" ${AT:+-attime "$AT"} \
			>/dev/null 2>"$dir/err" || { cat "$dir/err" >&2; bad 5 "the time stamp of $signature is not in order"; }
		stamped=$(openssl ts -reply -token_in -in "$dir/token" -text 2>/dev/null | sed -n 's/^Time stamp: //p')
		[ -n "$when" ] || when=$(date -d "$stamped" +%s)
		stamped="stamped $stamped"
	fi

	# 4. The signature, the certificate, and its revocation. CAdES: the signature
	# names the certificate it is to be checked with.
	openssl cms -verify -cades -inform DER -in "$signature" -content "$manifest" -binary \
		-CAfile "$dir/trust.pem" $crl ${when:+-attime "$when"} -out /dev/null -signer "$dir/signer.pem" 2>"$dir/err" ||
		{ cat "$dir/err" >&2; bad 4 "$signature is not in order"; }
	# openssl takes a signature without signed attributes; the rules do not.
	grep -q ':id-smime-aa-signingCertificateV2' "$dir/asn1" || bad 4 "$signature does not name its certificate"
	echo "signed: $(openssl x509 -in "$dir/signer.pem" -noout -subject -nameopt utf8,sep_comma_plus)"
	echo "when:   $stamped"
done
echo "whole:  document $(openssl dgst -sha256 -r META-INF/ASiCManifest001.xml | cut -d' ' -f1)"
