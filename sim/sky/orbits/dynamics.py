"""The equations of motion about the Moon and their integration, as machine code.

One file, because a compiled function calls only compiled functions of its own file. Everything is in
kilometres and seconds along ICRF axes from the Moon's centre; times are `t_s`, whose unit differs
from that of the ephemerides (TDB) by less than 2e-8.
"""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import numpy as np
from scipy.integrate import DOP853

from sim.compiled import compiled, compiled_lean

STAGES = 16  # of the eighth-order method with its dense output
_N_STEP, _N_ERROR = 12, 13
_A = np.zeros((STAGES, STAGES))
_A[:12, :12], _A[12, :12], _A[13:] = DOP853.A, DOP853.B, DOP853.A_EXTRA
_A.flags.writeable = False
_B = np.ascontiguousarray(DOP853.B)
_C = np.concatenate([DOP853.C, [1.0], DOP853.C_EXTRA])
_E3, _E5 = np.ascontiguousarray(DOP853.E3), np.ascontiguousarray(DOP853.E5)
_D = np.ascontiguousarray(DOP853.D)

_SAFETY, _SLOWEST, _FASTEST = 0.9, 0.2, 5.0
_GRADIENT_KM = 0.5  # step of the field's gradient; 1e-9 relative
_GRADIENT_REACH_KM2 = 2.0e4**2  # beyond, the harmonics do not matter for the variations
_LONGEST_S = 2.0 * 86400.0

_WORK = 27  # numbers that the field's gradient and the variations work in

FINISHED, HIT, FULL = 0, 1, 2


@compiled_lean
def bodies(t, table, edges, origin_s, piece_s, out):
    """Earth, Sun and planets, and the Moon's angles at `t`, from the series `table[piece]` (K, C).

    The polynomials are summed: Clenshaw's recurrence waits for each of its steps in every column.
    """
    piece = int(np.floor((t - origin_s) / piece_s))
    piece = min(max(piece, 0), table.shape[0] - 1)
    x = (2.0 * t - edges[piece] - edges[piece + 1]) / (edges[piece + 1] - edges[piece])
    columns = table.shape[2]
    before, polynomial = 1.0, x
    for j in range(columns):
        out[j] = table[piece, 0, j] + x * table[piece, 1, j]
    for k in range(2, table.shape[1]):
        before, polynomial = polynomial, 2.0 * x * polynomial - before
        for j in range(columns):
            out[j] += table[piece, k, j] * polynomial


@compiled_lean
def turned(angles, out):
    """ICRF to principal axes by node, tilt and spin."""
    cn, sn = np.cos(angles[0]), np.sin(angles[0])
    ct, st = np.cos(angles[1]), np.sin(angles[1])
    cs, ss = np.cos(angles[2]), np.sin(angles[2])
    out[0, 0], out[0, 1], out[0, 2] = cs * cn - ss * ct * sn, cs * sn + ss * ct * cn, ss * st
    out[1, 0], out[1, 1], out[1, 2] = -ss * cn - cs * ct * sn, -ss * sn + cs * ct * cn, cs * st
    out[2, 0], out[2, 1], out[2, 2] = st * sn, -st * cn, ct


@compiled_lean
def field_pull(x, y, z, gm, radius, cosines, sines, factors, v, w, out):
    """Acceleration of the field in its own axes; Montenbruck and Gill 2000, eq. 3.33, normalised."""
    degree = cosines.shape[0] - 1
    r2 = x * x + y * y + z * z
    rho = radius * radius / r2
    x0, y0, z0 = radius * x / r2, radius * y / r2, radius * z / r2
    v[0, 0], w[0, 0] = radius / np.sqrt(r2), 0.0
    # Row by row: the entries of a row do not wait for each other.
    for n in range(1, degree + 2):
        for m in range(n):
            v[n, m] = factors[1, n, m] * z0 * v[n - 1, m]
            w[n, m] = factors[1, n, m] * z0 * w[n - 1, m]
        if n > 1:
            for m in range(n - 1):
                v[n, m] -= factors[2, n, m] * rho * v[n - 2, m]
                w[n, m] -= factors[2, n, m] * rho * w[n - 2, m]
        v[n, n] = factors[0, n, n] * (x0 * v[n - 1, n - 1] - y0 * w[n - 1, n - 1])
        w[n, n] = factors[0, n, n] * (x0 * w[n - 1, n - 1] + y0 * v[n - 1, n - 1])
    ax = ay = az = 0.0
    for n in range(degree + 1):
        c = cosines[n, 0]
        ax -= factors[3, n, 0] * c * v[n + 1, 1]
        ay -= factors[3, n, 0] * c * w[n + 1, 1]
        az -= factors[5, n, 0] * c * v[n + 1, 0]
        for m in range(1, n + 1):
            c, s = cosines[n, m], sines[n, m]
            up, down = 0.5 * factors[3, n, m], factors[4, n, m]
            ax += -up * (c * v[n + 1, m + 1] + s * w[n + 1, m + 1])
            ax += down * (c * v[n + 1, m - 1] + s * w[n + 1, m - 1])
            ay += up * (s * v[n + 1, m + 1] - c * w[n + 1, m + 1])
            ay += down * (s * v[n + 1, m - 1] - c * w[n + 1, m - 1])
            az -= factors[5, n, m] * (c * v[n + 1, m] + s * w[n + 1, m])
    scale = gm / (radius * radius)
    out[0], out[1], out[2] = scale * ax, scale * ay, scale * az


@compiled_lean
def tide(gm, dx, dy, dz, x, y, z, out):
    """Adds a distant body's pull on the relay less that on the Moon; Battin 1999, eq. 8.61."""
    d2 = dx * dx + dy * dy + dz * dz
    s2 = (dx - x) ** 2 + (dy - y) ** 2 + (dz - z) ** 2
    q = (x * (x - 2.0 * dx) + y * (y - 2.0 * dy) + z * (z - 2.0 * dz)) / d2
    f = q * (3.0 + 3.0 * q + q * q) / (1.0 + (1.0 + q) * np.sqrt(1.0 + q))
    k = -gm / (s2 * np.sqrt(s2))
    out[0] += k * (x + f * dx)
    out[1] += k * (y + f * dy)
    out[2] += k * (z + f * dz)


@compiled_lean
def uncovered(sx, sy, sz, bx, by, bz, sun_radius, radius):
    """Share of the Sun's disc that a body leaves free; both vectors from the relay."""
    sun = np.sqrt(sx * sx + sy * sy + sz * sz)
    body = np.sqrt(bx * bx + by * by + bz * bz)
    big, small = np.arcsin(min(1.0, radius / body)), np.arcsin(sun_radius / sun)
    cx, cy, cz = sy * bz - sz * by, sz * bx - sx * bz, sx * by - sy * bx
    apart = np.arctan2(np.sqrt(cx * cx + cy * cy + cz * cz), sx * bx + sy * by + sz * bz)
    if apart >= big + small:
        return 1.0
    if apart <= big - small:
        return 0.0
    if apart <= small - big:
        return 1.0 - (big / small) ** 2
    to_sun = (apart * apart + small * small - big * big) / (2.0 * apart)
    to_body = apart - to_sun
    half = np.sqrt(max(0.0, small * small - to_sun * to_sun))
    area = small * small * np.arccos(min(1.0, max(-1.0, to_sun / small)))
    area += big * big * np.arccos(min(1.0, max(-1.0, to_body / big))) - apart * half
    return 1.0 - area / (np.pi * small * small)


@compiled_lean
def rates(t, u, du, forces, scratch):
    """Rates of the state (6), or of the state and its derivatives by the start (42).

    `forces`: the table of bodies, its edges, its origin and piece, GM of the bodies, GM and radius
    of the field, its cosines, sines and factors, and the push of sunlight at one kilometre (0 for
    none) with the radii of Sun, Moon and Earth.
    """
    table, edges, grid, gms, field, cosines, sines, factors, light = forces
    count = gms.shape[0]
    size = cosines.shape[0] + 1
    place = scratch[: 3 * count + 3]
    turn = scratch[40:49].reshape(3, 3)
    pull = scratch[49:52]
    v = scratch[60 : 60 + size * size].reshape(size, size)
    w = scratch[60 + size * size : 60 + 2 * size * size].reshape(size, size)
    work = scratch[60 + 2 * size * size :]
    bodies(t, table, edges, grid[0], grid[1], place)
    x, y, z = u[0], u[1], u[2]
    r2 = x * x + y * y + z * z
    if size > 2:
        turned(place[3 * count :], turn)
        bx = turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z
        by = turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z
        bz = turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z
        field_pull(bx, by, bz, field[0], field[1], cosines, sines, factors, v, w, pull)
        ax = turn[0, 0] * pull[0] + turn[1, 0] * pull[1] + turn[2, 0] * pull[2]
        ay = turn[0, 1] * pull[0] + turn[1, 1] * pull[1] + turn[2, 1] * pull[2]
        az = turn[0, 2] * pull[0] + turn[1, 2] * pull[1] + turn[2, 2] * pull[2]
        pull[0], pull[1], pull[2] = ax, ay, az
    else:
        k = -field[0] / (r2 * np.sqrt(r2))
        pull[0], pull[1], pull[2] = k * x, k * y, k * z
    for b in range(count):
        if gms[b] != 0.0:
            tide(gms[b], place[3 * b], place[3 * b + 1], place[3 * b + 2], x, y, z, pull)
    if light[0] != 0.0:
        sx, sy, sz = place[3] - x, place[4] - y, place[5] - z
        ex, ey, ez = place[0] - x, place[1] - y, place[2] - z
        free = uncovered(sx, sy, sz, -x, -y, -z, light[1], light[2])
        free *= uncovered(sx, sy, sz, ex, ey, ez, light[1], light[3])
        s2 = sx * sx + sy * sy + sz * sz
        k = -light[0] * free / (s2 * np.sqrt(s2))
        pull[0] += k * sx
        pull[1] += k * sy
        pull[2] += k * sz
    for i in range(3):
        du[i] = u[3 + i]
        du[3 + i] = pull[i]
    if u.shape[0] == 42:
        variations(u, du, place, gms, field, cosines, sines, factors, turn, v, w, work)


@compiled_lean
def field_gradient(u, field, cosines, sines, factors, turn, v, w, work, gradient):
    """Gradient of the field's pull along ICRF axes, by central differences in its own axes."""
    own, ahead, behind = work[:3], work[3:6], work[6:9]
    fixed = work[9:18].reshape(3, 3)
    gm, radius, h = field[0], field[1], _GRADIENT_KM
    for i in range(3):
        own[i] = turn[i, 0] * u[0] + turn[i, 1] * u[1] + turn[i, 2] * u[2]
    for k in range(3):
        own[k] += h
        field_pull(own[0], own[1], own[2], gm, radius, cosines, sines, factors, v, w, ahead)
        own[k] -= 2.0 * h
        field_pull(own[0], own[1], own[2], gm, radius, cosines, sines, factors, v, w, behind)
        own[k] += h
        for i in range(3):
            fixed[i, k] = (ahead[i] - behind[i]) / (2.0 * h)
    for i in range(3):
        for j in range(3):
            for p in range(3):
                for q in range(3):
                    gradient[i, j] += turn[p, i] * fixed[p, q] * turn[q, j]


@compiled_lean
def variations(u, du, place, gms, field, cosines, sines, factors, turn, v, w, work):
    """Rates of the derivatives of the state by its start, from the gradient of the pull."""
    gradient = work[18:27].reshape(3, 3)
    gradient[:] = 0.0
    r2 = u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    if cosines.shape[0] > 1 and r2 < _GRADIENT_REACH_KM2:
        field_gradient(u, field, cosines, sines, factors, turn, v, w, work, gradient)
    else:
        point_gradient(field[0], u[0], u[1], u[2], gradient)
    for b in range(gms.shape[0]):
        if gms[b] != 0.0:
            x, y, z = place[3 * b], place[3 * b + 1], place[3 * b + 2]
            point_gradient(gms[b], u[0] - x, u[1] - y, u[2] - z, gradient)
    for j in range(6):
        for i in range(3):
            du[6 + 6 * i + j] = u[24 + 6 * i + j]
            total = 0.0
            for k in range(3):
                total += gradient[i, k] * u[6 + 6 * k + j]
            du[24 + 6 * i + j] = total


@compiled_lean
def point_gradient(gm, x, y, z, gradient):
    """Adds the gradient of a point mass's pull at a distance from it."""
    r2 = x * x + y * y + z * z
    k = gm / (r2 * np.sqrt(r2))
    f = 3.0 * k / r2
    gradient[0, 0] += f * x * x - k
    gradient[1, 1] += f * y * y - k
    gradient[2, 2] += f * z * z - k
    gradient[0, 1] += f * x * y
    gradient[1, 0] += f * x * y
    gradient[0, 2] += f * x * z
    gradient[2, 0] += f * x * z
    gradient[1, 2] += f * y * z
    gradient[2, 1] += f * y * z


@compiled_lean
def combined(u, stages, weights, count, step, out):
    """The state after `step` with the weighted sum of the first stages."""
    n = u.shape[0]
    for j in range(n):
        out[j] = 0.0
    for q in range(count):
        weight = weights[q]
        if weight != 0.0:
            for j in range(n):
                out[j] += weight * stages[q, j]
    for j in range(n):
        out[j] = u[j] + step * out[j]


@compiled_lean
def step_error(u, new, stages, h, tolerance):
    """Error of a step in units of what is allowed; Hairer et al. 1993, II.10, of the state only."""
    fifth = 0.0
    third = 0.0
    for j in range(6):
        scale = tolerance[1 if j < 3 else 2] + tolerance[0] * max(abs(u[j]), abs(new[j]))
        five = 0.0
        three = 0.0
        for q in range(_N_ERROR):
            five += _E5[q] * stages[q, j]
            three += _E3[q] * stages[q, j]
        fifth += (five / scale) ** 2
        third += (three / scale) ** 2
    denominator = fifth + 0.01 * third
    return 0.0 if denominator <= 0.0 else h * fifth / np.sqrt(denominator * 6)


@compiled_lean
def dense_series(u, new, stages, step, out):
    """The nested polynomial (8, 3) of the position over a step; Hairer et al. 1993, II.6."""
    for j in range(3):
        change = new[j] - u[j]
        out[0, j] = u[j]
        out[1, j] = change
        out[2, j] = step * stages[0, j] - change
        out[3, j] = 2.0 * change - step * (stages[_N_STEP, j] + stages[0, j])
        for q in range(4):
            total = 0.0
            for s in range(STAGES):
                total += _D[q, s] * stages[s, j]
            out[4 + q, j] = step * total


@compiled
def integrated(u, begin, end, tolerance, lowest_km, times, series, forces):
    """Carries the state `u` towards `end`; how far it came, in how many steps, and why it stopped.

    Dormand and Prince's method of order eight with dense output of order seven (Hairer, Norsett and
    Wanner 1993, II.5 and II.6). `tolerance` relative, and absolute for position and velocity; only
    the state itself is controlled. Step ends and polynomials go to `times` and `series`, unless
    these are empty; full ones stop it, and so does a distance below `lowest_km`.
    """
    n = u.shape[0]
    t = begin
    is_dense = series.shape[0] > 0
    stages, new, middle = np.zeros((STAGES, n)), np.zeros(n), np.zeros(n)
    scratch = np.zeros(60 + 2 * (forces[5].shape[0] + 1) ** 2 + _WORK)
    count = 0
    way = 1.0 if end > begin else -1.0
    speed2, r2 = u[3] ** 2 + u[4] ** 2 + u[5] ** 2, u[0] ** 2 + u[1] ** 2 + u[2] ** 2
    h = 0.05 * np.sqrt(speed2) * r2 / forces[4][0]
    first, last = 0, STAGES if is_dense else _N_ERROR
    while (end - t) * way > 0.0:
        h = min(h, _LONGEST_S, (end - t) * way)
        step = h * way
        # One call of `rates` for all stages: each more costs the compiler two seconds.
        for s in range(first, last):
            out = new if s == _N_STEP else middle
            combined(u, stages, _A[s], s, step, out)
            rates(t + _C[s] * step, out, stages[s], forces, scratch)
        first = 1
        error = step_error(u, new, stages, h, tolerance)
        if error >= 1.0:
            h *= max(_SLOWEST, _SAFETY * error ** (-0.125))
            continue
        if is_dense:
            dense_series(u, new, stages, step, series[count])
            times[count] = t + step
            count += 1
        t += step
        for j in range(n):
            u[j] = new[j]
            stages[0, j] = stages[_N_STEP, j]
        h *= _FASTEST if error == 0.0 else min(_FASTEST, _SAFETY * error ** (-0.125))
        if u[0] * u[0] + u[1] * u[1] + u[2] * u[2] < lowest_km * lowest_km:
            return t, count, HIT
        if is_dense and count == series.shape[0]:
            return t, count, FULL
    return t, count, FINISHED


@compiled
def arcs(ends, times, tolerance, forces):
    """Carries states and their derivatives (N, 42) in place from times[i] to times[i + 1]."""
    nothing, none = np.zeros(0), np.zeros((0, 8, 3))
    for i in range(ends.shape[0]):
        integrated(ends[i], times[i], times[i + 1], tolerance, 0.0, nothing, none, forces)
