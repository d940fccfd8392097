// The page on which a follower agrees to notices. Without the WeChat app there is nothing to agree with: it says so.
"use strict";

const card = document.getElementById("card");
const said = document.getElementById("said");
const tag = document.getElementById("subscribe");

const say = (text) => {
  said.textContent = text;
};

const OUTSIDE = "请在微信里打开本页：把链接发给自己，再点开。";

tag.addEventListener("success", (event) => {
  const details = JSON.stringify(event.detail && event.detail.subscribeDetails);
  const accepted = /accept/.test(details || "");
  say(accepted ? "已开启。有消息会在微信里提醒您，可以关掉本页了。" : "没有开启。想开启时再点一次上面的按钮。");
});
tag.addEventListener("error", () => say("没有开启成功，提醒没有变动。请再点一次；还不行请升级微信。"));
document.addEventListener("WeixinOpenTagsError", () => say("这个微信版本太旧，请升级微信后再打开本页。"));

if (!/MicroMessenger/i.test(navigator.userAgent) || typeof window.wx === "undefined") {
  tag.hidden = true;
  say(OUTSIDE);
} else {
  window.wx.config({
    debug: false,
    appId: card.dataset.appId,
    timestamp: Number(card.dataset.timestamp),
    nonceStr: card.dataset.nonce,
    signature: card.dataset.signature,
    jsApiList: ["hideMenuItems"],
    openTagList: ["wx-open-subscribe"],
  });
  window.wx.error(() => say("这一页没有通过微信的检查，提醒没有变动。请回公众号里重新点开。"));
}
