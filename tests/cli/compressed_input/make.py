import bz2, gzip, io, lzma, tarfile
text = b"".join(b'{"timestamp":%d,"input_length":%d,"output_length":3}\n' % (i * 10, 20 + i % 7) for i in range(50))
bad = text + b'{"timestamp":900,"input_length":0,"output_length":3}\n'
def tar(*files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()
files = {"plain": text, "gz": gzip.compress(text), "bz2": bz2.compress(text), "xz": lzma.compress(text), "tar": tar(("x/t.jsonl", text)),
         "twice": gzip.compress(gzip.compress(text)), "marked": gzip.compress(b"\xef\xbb\xbf" + text), "bad": lzma.compress(bad),
         "several": tar(("a.jsonl", text), ("b/c.jsonl", text)), "short": gzip.compress(text)[:-20],
         "config": gzip.compress(b'{"max_num_seqs": 3,\n "max_num_sequences": 4}')}
for name, data in files.items():
    open(name, "wb").write(data)
