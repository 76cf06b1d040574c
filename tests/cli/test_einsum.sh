# reckon einsum: one product or rearrangement: numbers known by hand, views, least times, and wrong names explained.
. tests/cli/check.sh

ends 0 reckon einsum 'b s h, b u h -> b s u' --size b=4,s=8,u=8,h=16 --dtype bf16
prints "4 × 8 × 16"; prints "8,192"; prints "2·b·s·h·u"; prints "1,024"; prints "3.2"; silent "$err"
ends 0 reckon einsum 'r c' -s r=4 -s c=8;                        prints "128 bytes"
ends 0 reckon einsum 'd f' -s d=12288,f=49152;                   prints "2,415,919,104"
ends 0 reckon einsum 'm k, k n -> m n' -s m=1024,k=256,n=64;     prints "33,554,432"
ends 0 reckon einsum 'b t (h k) -> b h t k' -s b=2,t=3,h=4,k=5;  prints "a view: owns nothing"; prints "nothing moves"
ends 0 reckon einsum 'b h t k -> b t (h k)' -s b=2,t=3,h=4,k=5;  prints "copy"; prints "writes 480 bytes"
ends 0 reckon einsum 'b t -> b' -s b=2,t=3;                      prints "FLOPs of additions"

# least times
ends 0 reckon einsum 'm k, k n -> m n' -s m=1Ki,n=1Ki,k=1Ki --peak 1T --bandwidth 1T
prints "2.1 ms"; prints "bound by arithmetic"
ends 0 reckon einsum 'k, k n -> n' -s n=1Ki,k=1Ki --peak 1T --bandwidth 1G; prints "bound by memory"
ends 0 reckon einsum 'm k, k n -> m n' -s m=1Ki,n=1Ki,k=1Ki --device h100 --dtype f16; prints "NVIDIA H100 SXM"; prints "bound by arithmetic"
ends 0 reckon einsum 'm k, k n -> m n' -s m=1Ki,n=1Ki,k=1Ki --device h100 --dtype f64; warns "multiplies f64 is not known"; prints "bytes take"
ends 2 reckon einsum 'b' -s b=1 --device h10;                    warns 'no device "h10"'; warns "h100"

ends 0 reckon einsum 'm k, k n -> m n' -s m=1024,k=256,n=64 --peak 1T --json
if command -v python3 >/dev/null; then
    python3 - "$out" <<'END_OF_CHECK' && pass || fail "einsum --json"
import json, sys
x = json.load(open(sys.argv[1]))
assert x["flops"] == 33554432 and x["bytes_read"] == 1114112 and x["bytes_written"] == 262144
assert [v["shape"] for v in x["values"]] == [[1024, 256], [256, 64], [1024, 64]]
assert abs(x["seconds_of_products"] - 33554432e-12) < 1e-15 and "seconds_of_bytes" not in x
END_OF_CHECK
fi

# wrong names
ends 2 reckon einsum;                                            warns "EXPRESSION is missing"
ends 2 reckon einsum 'b s' -s b;                                 warns "NAME=N expected"
ends 3 reckon einsum 'b s' -s b=4G,s=4G;                         warns 'input operand 1: the result has more than 2^48 elements'
ends 2 reckon einsum 'b s' -s b=1.5;                             warns "a whole number"
ends 2 reckon einsum 'b s hed, b u head -> b s u' -s b=1,s=1,u=1,head=4; warns "hed is in operand 1 only"; warns "so is head of operand 2"
ends 2 reckon einsum 'b s -> b sq' -s b=1,s=1;           warns "sq, in the result, has no size"; warns "did you mean s?"
ends 2 reckon einsum 'bsh,buh->bsu' -s b=4,s=8,u=8,h=16; warns "names are words, apart by blanks"
ends 2 reckon einsum 'b s h b u h -> b s u' -s b=4,s=8,u=8,h=16; warns "b stands twice"; warns "a comma between them"; silent "$out"
ends 2 reckon einsum 'b s b, b -> s' -s b=4,s=8;         warns "b stands twice"; if grep -q comma "$err"; then fail "there is a comma"; else pass; fi
ends 2 reckon einsum 'b s h -> b u h' -s b=2,s=3,u=4,h=5; warns "rename: s is 3 and u is 4"
ends 2 reckon einsum 'b head -> b haed' -s b=4,head=2;   warns "did you mean head?"
finish
