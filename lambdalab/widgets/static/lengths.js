// Lengths of time and names of targets, as a person reads them; lengths.py says the same.

/** Less than a minute, without zeros that say nothing. */
function secondsOf(seconds) {
  if (seconds >= 1) return String(Number(seconds.toPrecision(3)));
  return String(Number(seconds.toFixed(seconds < 0.1 ? 3 : 2)));
}

/** A length of time as a person reads it: 4.2 s, 1 min 3 s, 6 h. */
function lengthOf(seconds, say) {
  if (seconds < 59.95) return say("unit.s", { n: secondsOf(seconds) });
  const [small, big, size] = seconds < 3599.5 ? ["s", "min", 1] : ["min", "h", 60];
  const whole = Math.floor(seconds / size + 0.5);
  const parts = [say(`unit.${big}`, { n: Math.floor(whole / 60) })];
  if (whole % 60) parts.push(say(`unit.${small}`, { n: whole % 60 }));
  return parts.join(" ");
}

/** A target as a person names it: sqs dead-letters. */
function shortArn(arn) {
  const [, , service, , , ...rest] = arn.split(":");
  if (!rest.length) return arn;
  return `${service} ${rest.join(":").split(":").pop().split("/").pop()}`;
}
