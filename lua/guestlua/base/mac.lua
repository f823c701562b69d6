-- A MAC address as it is compared: "52:54:0:AB:c:1" is "52:54:00:ab:0c:01". nil: the text is none.
return function(text)
  local bytes = {}
  for byte in (text .. ":"):gmatch("([^:]*):") do
    bytes[#bytes + 1] = byte:find("^%x%x?$") and ("%02x"):format(tonumber(byte, 16)) or "none"
  end
  local mac = table.concat(bytes, ":")
  return #bytes == 6 and #mac == 17 and mac or nil
end
