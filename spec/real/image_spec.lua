-- Images that cannot be seen any more are not gone: nothing is removed, and the reason is said.

local core = require("guestlua.core")
local guestlua = require("guestlua")
local helper = require("spec.support.helper")
local image = require("guestlua.disk.image")

local is_root = core.user() == 0

-- Removes the file DIR/images/new as this user, and says whether it is gone, and why it is not.
local REMOVE = [[
  local image = require("guestlua.disk.image")
  local host <close> = guestlua.open("test:///default")
  local guest <close> = host:guest("test")
  print(image.remove(guest, { path = %q, dev = %d, ino = %d, directory = %q }))
]]

describe("An image that was made", function()
  local dir, file

  local function sh(command)
    local code, out, err = helper.run("sh -c " .. helper.quoted(("cd %s; "):format(dir) .. command))
    assert.equal(0, code, err)
    return out
  end

  before_each(function()
    dir = helper.scratch()
    file = dir .. "/images/new"
    sh("chmod 755 . && mkdir images && echo data >images/new")
  end)
  after_each(function()
    os.execute(("umount -q %s/images %s/mounted 2>/dev/null"):format(dir, dir))
    os.execute("rm -rf " .. dir)
  end)

  -- What is said once `act` was done to it.
  local function remove(act, options)
    options = options or {}
    if is_root then
      sh(("chown -R %s images"):format(options.owner or "nobody:nogroup"))
    end
    local there, directory = core.identify(file), core.identify(dir .. "/images")
    sh(act)
    local text = REMOVE:format(options.path or file, there.dev, there.ino, ("%d:%d"):format(directory.dev, directory.ino))
    local user = is_root and not options.root and "setpriv --reuid=nobody --regid=nogroup --clear-groups " or ""
    local code, out, err = helper.run(("%s%s -e %s"):format(user, helper.interpreter, helper.quoted(text)))
    assert.equal(0, code, err)
    return (out:gsub("%s+$", ""))
  end

  it("goes, and is gone if somebody else has removed it", function()
    assert.equal("true\tnil", remove(""))
    assert.is_nil(core.identify(file))
    sh("echo data >images/new")
    assert.matches("^true", remove("rm images/new"))
  end)

  it("stays if its directory cannot be searched, read or written", function()
    if not is_root then
      pending("needs root, to be another user")
    end
    for mode, why in pairs({ ["0"] = "Permission denied", ["0311"] = "its directory cannot be read", ["0555"] = "Permission denied" }) do
      sh("chmod 755 images")
      local said = remove(("chown root images && chmod %s images"):format(mode == "0311" and "0711" or mode))
      assert.matches("^false\t", said)
      assert.matches(why, said, 1, true)
      assert.is_not_nil(core.identify(file), mode)
    end
    sh("chmod 755 images")
    assert.matches("^false\t.*its locks cannot be read: Permission denied", remove("chmod 000 images/new && chown root images/new"))
  end)

  it("stays if a file beside it cannot be read, which may be based on it", function()
    if not is_root then
      pending("needs root, to be another user")
    end
    assert.matches("^false\t.*child is based on it\n?$", remove("qemu-img create -q -f qcow2 -b new -F raw images/child"))
    assert.matches("^false\t.*child.*Permission denied", remove("chmod 000 images/child && chown root images/child"))
  end)

  it("stays if its directory is another one by now, or is not there", function()
    assert.matches("^false\tits directory is not the one that it was made in", remove("mv images theirs && mkdir images && chmod 777 images"))
    assert.is_not_nil(core.identify(dir .. "/theirs/new"))
    sh("rm -rf images && mv theirs images")
    assert.matches("^false\tthe directory that it was made in is not there", remove("mv images theirs"))
    assert.is_not_nil(core.identify(dir .. "/theirs/new"))
  end)

  it("stays under another file system", function()
    if not is_root then
      pending("needs root, to mount one")
    end
    assert.matches("^false\tits directory is not the one that it was made in", remove("mount -t tmpfs -o mode=777 tmpfs images"))
    sh("umount images")
    assert.is_not_nil(core.identify(file))
  end)

  it("stays behind a symbolic link of another user's, which root does not follow", function()
    if not is_root then
      pending("needs root")
    end
    local said = remove("mv images theirs && ln -s theirs images && chown -h nobody images", { root = true })
    assert.matches("^false\tOperation not permitted", said)
    assert.is_not_nil(core.identify(dir .. "/theirs/new"))
  end)

  it("stays if its name is too long to be looked at", function()
    assert.matches("^false\tFile name too long", remove("", { path = dir .. "/images/" .. ("x"):rep(300) }))
    assert.matches("^false\t", remove("", { path = dir .. ("/images/.."):rep(600) .. "/images/new" }))
    assert.is_not_nil(core.identify(file))
  end)

  it("stays if a loop device has it", function()
    if not is_root or helper.run("losetup --find") ~= 0 then
      pending("needs root, and a loop device")
    end
    local device = sh("truncate -s 1M images/new && losetup --find --show images/new")
    local free <close> = setmetatable({}, { __close = function() os.execute("losetup -d " .. device) end }) -- luacheck: ignore free
    assert.equal("false\tthe loop device " .. device:match("loop%d+") .. " has it", remove("", { root = true, owner = "root:root" }))
    assert.is_not_nil(core.identify(file))
  end)

  it("is not written to if it is a block device that this host has mounted", function()
    if not is_root or helper.run("losetup --find") ~= 0 then
      pending("needs root, and a loop device")
    end
    local device = sh("mke2fs -q -t ext4 images/new 4M && mkdir mounted && losetup --find --show images/new"):match("%S+")
    local free <close> = setmetatable({}, { __close = function() os.execute("losetup -d " .. device) end }) -- luacheck: ignore free
    local guest <close> = guestlua.open("test:///default"):guest("test")
    sh(("ln -s %s link && mount %s mounted"):format(device, device))
    for _, name in ipairs({ device, dir .. "/link" }) do
      local e = helper.failure(image.check_unused, guest, "vda", name)
      assert.matches("is somebody else's: this host has it in use: it is mounted", e.message, 1, true)
    end
    sh("umount mounted")
    image.check_unused(guest, "vda", dir .. "/link")
  end)

  -- What a script says, with the directory, and image, host and file.
  local function said(text, ...)
    local code, out, err = helper.run(("timeout 60 %s -e %s"):format(helper.interpreter, helper.quoted(([[
      local image = require("guestlua.disk.image")
      local host <close> = guestlua.open("test:///default")
      local guest, there = host:guest("test"), require("guestlua.core").identify(%q)
      local file = { path = %q, dev = there.dev, ino = there.ino }
      local function theirs(...)
        host:write_instance_config("<domain type='test'><name>theirs</name><memory>1024</memory><os><type>hvm</type></os>"
          .. "<devices>" .. (...) .. "</devices></domain>"):close()
      end
    ]]):format(file, file) .. text:format(...))))
    assert.equal(0, code, err)
    return out
  end

  it("stays if a guest that is off has it as a volume of a pool", function()
    local text = [[
      local image = require("guestlua.disk.image")
      local host <close> = guestlua.open("test:///default")
      local pool <close> = host:storage_pool_create_xml("<pool type='dir'><name>pool</name><target><path>%s/images</path></target></pool>")
      pool:create_xml("<volume><name>new</name><capacity>1024</capacity></volume>"):close()
      local there = require("guestlua.core").identify(%q)
      local guest = host:guest("test")
      local file = { path = %q, dev = there.dev, ino = there.ino }
      guest.host:write_instance_config("<domain type='test'><name>theirs</name><memory>1024</memory><os><type>hvm</type></os><devices>"
        .. "<disk type='volume' device='disk'><source pool='pool' volume='new'/><target dev='vda'/></disk></devices></domain>"):close()
      print(image.remove(guest, file))
    ]]
    local code, out, err = helper.run(("%s -e %s"):format(helper.interpreter, helper.quoted(text:format(dir, file, file))))
    assert.equal(0, code, err)
    assert.matches("^false\tguest 'theirs': .*/images/new is in use", out)
    assert.is_not_nil(core.identify(file))
  end)

  it("stays if a guest that is off has it as anything else than a disk", function()
    for _, device in ipairs({
      "<serial type='file'><source path='%s'/></serial>",
      "<filesystem type='file'><source file='%s'/><target dir='/'/></filesystem>",
    }) do
      assert.matches("^false\tguest 'theirs': .*/images/new is in use", said("theirs(%q) print(image.remove(guest, file))", device:format(file)))
    end
    assert.matches("^true", said([[theirs("<serial type='file'><source path='/x%s'/></serial>") print(image.remove(guest, file))]], file))
  end)

  it("is not waited for if it is a pipe by now", function()
    sh("mkfifo images/pipe")
    assert.equal("0 1\n", said([[theirs("<disk type='file'><source file='%s/images/pipe'/><target dev='vda'/></disk>")
      local users = host:image_users({ file.path, "%s/images/pipe" })
      print(#users[file.path] .. " " .. #users["%s/images/pipe"])]], dir, dir, dir))
  end)

  it("stays if an image beside it names it in JSON, in any way that QEMU takes", function()
    local function beside(name)
      local text <close> = assert(io.open(dir .. "/name", "w"))
      text:write("json:", name)
      text:close()
      sh("echo data >images/new")
      return remove("rm -f images/child; qemu-img create -q -u -f qcow2 -F raw -b \"$(cat name)\" images/child 1M")
    end
    local escaped = file:gsub("new$", "\\u006eew")
    for _, name in ipairs({
      '{"driver":"raw","file":{"driver":"file","filename":"%s"}}', '{"driver":"raw","file.filename":"%s"}', '{"file.filename":"%s"}',
      '{"driver":"raw","file.driver":"file","file.filename":"%s","offset":0}',
    }) do
      assert.matches("^false\t.*child is based on it$", beside(name:format(escaped)), name)
    end
    assert.matches("^false\t.*child may be based on it: it names several files that it is based on$",
      beside(('{"driver":"quorum","vote-threshold":2,"children":[{"file.filename":"%s"},{"file.filename":"/x"}]}'):format(file)))
    assert.matches("^false\t.*child may be based on it: .* JSON that cannot be read$", beside(("{'file.filename':'%s'}"):format(file)))
    assert.matches("^true", beside('{"driver":"nbd","host":"server","export":"x"}'))
  end)

  it("has a name of its own in its directory", function()
    local host <close> = guestlua.open("test:///default")
    local guest <close> = host:guest("test")
    local made = image.beside(guest, file .. ".qcow2", "id", "vda")
    assert.equal(file .. ".guestlua-id-vda", made.path)
    assert.is_string(made.directory)
    image.make(guest, "vda", made, file)
    assert.is_true(image.remove(guest, made))
    for length = 100, 101 do -- cut, and a character stays whole
      local name = image.beside(guest, ("%s/images/%s%s.qcow2"):format(dir, ("x"):rep(length), ("ä"):rep(70)), "id", "vda").path:match("[^/]*$")
      assert.is_truthy(utf8.len(name), name)
      assert.is_true(#name >= 254 and #name <= 255)
    end
  end)
end)
