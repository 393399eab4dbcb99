"""The rules of the stock in Python: what is left, when it runs out, by when to order."""

from datetime import date, timedelta

NEVER = date(9999, 12, 31)
DOSES = (
    "morning_pre_food",
    "morning_post_food",
    "noon_pre_food",
    "noon_post_food",
    "evening_pre_food",
    "evening_post_food",
    "night",
)


def even_week_days_before(day):
    year, week, weekday = day.isocalendar()
    this_week = weekday - 1 if week % 2 == 0 else 0
    return 7 * (26 * year + (week - 1) // 2) + this_week


def consumed_sevenths(drug, until):
    """What the days from the count up to but not including `until` consume, in sevenths of a thousandth."""
    begin = max(drug.counted_on, drug.start_date or drug.counted_on)
    if drug.end_date is not None:
        until = min(until, drug.end_date + timedelta(days=1))
    if drug.archived or until <= begin:
        return 0
    days = (until - begin).days
    if drug.schedule_type == "daily":
        return days * sum(getattr(drug, dose) for dose in DOSES) * 7
    if drug.schedule_type == "weekly_alternating":
        even = even_week_days_before(until) - even_week_days_before(begin)
        return even * drug.even_week_pills + (days - even) * drug.odd_week_pills
    return 0


def amount_on(drug, day):
    return max(0, -((consumed_sevenths(drug, day) - drug.current_amount * 7) // 7))


def run_out_date(drug):
    """The first day whose doses are not fully covered, found by bisection."""
    one_day = timedelta(days=1)
    latest = date(9998, 12, 31)
    if consumed_sevenths(drug, latest + one_day) <= drug.current_amount * 7:
        return NEVER
    earliest = drug.counted_on
    while earliest < latest:
        middle = earliest + (latest - earliest) // 2
        if consumed_sevenths(drug, middle + one_day) <= drug.current_amount * 7:
            earliest = middle + one_day
        else:
            latest = middle
    return earliest


def project(drug):
    """Brings the stored dates of a drug up to date with its stock and its schedule."""
    drug.run_out_date = run_out_date(drug)
    never = drug.run_out_date == NEVER
    drug.reorder_date = NEVER if never else drug.run_out_date - timedelta(days=drug.reorder_lead_days)


class Absences:
    """The doctor's absences, sorted and merged."""

    def __init__(self, pairs):
        self.merged = []
        for start, end in sorted(pairs):
            if self.merged and start <= self.merged[-1][1] + timedelta(days=1):
                self.merged[-1][1] = max(self.merged[-1][1], end)
            else:
                self.merged.append([start, end])

    def covering(self, day):
        return next((pair for pair in self.merged if pair[0] <= day <= pair[1]), None)

    def order_by(self, day):
        absence = self.covering(day)
        return absence[0] - timedelta(days=1) if absence else day

    def due_until(self, today):
        tomorrow = today + timedelta(days=1)
        absence = next((pair for pair in self.merged if pair[1] >= today), None)
        return absence[1] if absence and absence[0] <= tomorrow else today - timedelta(days=1)


def outlook(drug, absences, today):
    """What is told of a drug today, as the members of its answer."""
    running = (
        not drug.archived
        and (drug.start_date is None or drug.start_date <= today)
        and (drug.end_date is None or today <= drug.end_date)
    )
    horizon = today.replace(year=today.year + 10, day=28 if (today.month, today.day) == (2, 29) else today.day)
    told = drug.run_out_date if running and drug.run_out_date <= horizon else None
    days = max(0, (told - today).days) if told else None
    away = None
    absence = absences.covering(today) if told else None
    if absence:
        returns_on = absence[1] + timedelta(days=1)
        needed = min(returns_on, drug.end_date + timedelta(days=1)) if drug.end_date else returns_on
        away = {"returns_on": returns_on, "days_without_drug": max(0, (needed - told).days)}
    return {
        "days_remaining": days,
        "weeks_remaining": None if days is None else days // 7,
        "run_out_date": told,
        "order_by": absences.order_by(drug.reorder_date) if told else None,
        "needs_reorder": told is not None and drug.reorder_date <= absences.due_until(today),
        "doctor_away": away,
    }
