-- A new UUID, by chance (version 4).
return function()
  local random <close> = assert(io.open("/dev/urandom", "rb"))
  local text = random:read(16):gsub(".", function(c)
    return ("%02x"):format(c:byte())
  end)
  return ("%s-%s-4%s-8%s-%s"):format(text:sub(1, 8), text:sub(9, 12), text:sub(14, 16), text:sub(18, 20), text:sub(21, 32))
end
