-- What a guest runs that writes all the time, so that a backup of it can be seen to be of one moment.

local writer = {}

-- In the guest: file after file, each with its checksum in its name, which it gets when its content is on the disk.
writer.START = [[
  cat >/tmp/writer <<'END'
n=0
while [ ! -e /tmp/stop ]; do
  n=$((n + 1))
  dd if=/dev/urandom of=/data/new bs=8k count=$((n % 5 + 1)) 2>/dev/null
  sync
  name=/data/f.$((n % 40)).$(sha256sum /data/new | cut -c1-64)
  for old in /data/f.$((n % 40)).*; do [ "$old" = "$name" ] || rm -f "$old"; done
  mv /data/new $name
  echo $n >/data/counting
  mv /data/counting /data/count
  sleep 0.1
done
END
  rm -f /tmp/stop; (sh /tmp/writer >/dev/null 2>&1 &)
]]

-- Prints how many files are right; the first that is not is an error.
writer.CHECK = [[
  right=0
  for f in /data/f.*; do
    [ "$(sha256sum <$f | cut -c1-64)" = "${f##*.}" ] || { echo "$f" >&2; exit 1; }
    right=$((right + 1))
  done
  echo $right $(cat /data/count)
]]

return writer
