@GB-3 @static
Feature: One way in
  As the keeper of the book
  I want guests to come through the Ingress, and nothing to be written down that is secret
  so that there is one place to watch.

  Background:
    Given the project as it lies in its folder

  Scenario: Guests come through the Ingress
    Then each role has one Service of its type, and nothing else is open to the outside
    And whatever stands before the Services hands on each path as it came

  Scenario: Secrets come from outside
    Then no program has a secret of its own to fall back on
    And without any one of its secrets the chart is refused, in words that name it
    And no password or key is written down in chart or code
