#!/bin/sh
# The key "da-test leaf" of make_vectors.py in every form OpenSSL writes, and keys of other kinds. Test keys only, never for a product.
# Made with OpenSSL 3.0; salts and keys of the other kinds differ from run to run. Passphrase: "open sesame".
set -e
cd "$(dirname "$0")"
scalar=6374675090aa635191844b41e94c9e67a250dcaf2dff22260d0b15eb26974e4c
xy=04328da88924270d969cbb1c3123742b193236d8d8960c91df24211d655d39441e6c1e70bd5894dd9261cd94d02023f0899cfe19c46758e378c17474ba842f6bf6
printf '3077020101 0420%s a00a06082a8648ce3d030107 a144034200%s' $scalar $xy | xxd -r -p > sec1.der
openssl ec -inform DER -in sec1.der -out sec1_bare.pem 2>/dev/null
{ openssl ecparam -name prime256v1; cat sec1_bare.pem; } > sec1.pem
openssl pkcs8 -topk8 -nocrypt -in sec1.pem -out pkcs8.pem
openssl pkcs8 -topk8 -nocrypt -in sec1.pem -outform DER -out pkcs8.der
openssl pkey -in pkcs8.pem -pubout -out spki.pem
openssl pkey -in pkcs8.pem -pubout -outform DER -out spki.der
encrypt() { out=$1; shift; openssl pkcs8 -topk8 -in pkcs8.pem -passout 'pass:open sesame' -out "$out" "$@"; }
encrypt encrypted_default.pem
encrypt encrypted_default.der -outform DER
encrypt encrypted_old.pem -v2 des3 -v2prf hmacWithSHA1
encrypt encrypted_sha512.pem -v2 aes-128-cbc -v2prf hmacWithSHA512
encrypt encrypted_scrypt.pem -scrypt
encrypt encrypted_pbes1.pem -v1 PBE-SHA1-3DES -provider legacy -provider default
encrypt encrypted_costly.pem -v2 aes-256-cbc -iter 10000001
openssl ec -in sec1.pem -aes128 -passout 'pass:open sesame' -out encrypted_traditional.pem 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp384r1 -out other_p384.pem
openssl genpkey -algorithm ED25519 -out other_ed25519.pem
openssl pkey -in other_p384.pem -pubout -out other_p384_pub.pem
openssl pkey -in other_ed25519.pem -pubout -out other_ed25519_pub.pem
rm sec1_bare.pem
